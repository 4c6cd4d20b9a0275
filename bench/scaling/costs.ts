import type { Figures } from "../support/rounds.ts";
import type { AllFigures } from "./figures.ts";

/** What the platform takes, by what asks for it: milliseconds of one processor, bytes on one server without copies. */
export interface Costs {
  /** An event with one run of one line that does nothing; of a run without an event it is the same but for `managerMs`. */
  managerMs: number;
  routerMs: number;
  /** In full batches, without what a run tells and its end: what the sums do not count on. */
  routerFullMs: number;
  postgresFullMs: number;
  executorMs: number;
  sinkMs: number;
  kafkaMs: number;
  postgresMs: number;
  opensearchMs: number;
  /** A script in Python, forked, that prints a line. */
  scriptMs: number;
  /** A further line of output. */
  sinkLineMs: number;
  opensearchLineMs: number;
  outputLineBytes: number;
  /** Of an event and its run. */
  catalogBytes: number;
  bodyBytes: number;
  /** Of PostgreSQL's write-ahead log, which is written to the disk at once. */
  catalogLogBytes: number;
  catalogRows: number;
  busBytes: number;
  outputBytes: number;
  historyBytes: number;
}

export function costsOf(all: AllFigures): Costs {
  const idle = figuresOf(all, "executions-on-engines", "nothing, 1 executor");
  const forked = figuresOf(all, "executions-on-engines", "forked, 1 executor");
  const queued = figuresOf(all, "queue-on-engines", "1 executor");
  const routing = figuresOf(all, "routing-on-engines", "one router");
  const sink = figuresOf(all, "sink-on-engines", "the sink");
  return {
    managerMs: idle("manager"),
    routerMs: idle("router"),
    routerFullMs: routing("ownMs"),
    postgresFullMs: routing("databaseMs"),
    executorMs: idle("executor"),
    sinkMs: idle("sink"),
    kafkaMs: idle("kafka"),
    postgresMs: idle("postgres"),
    opensearchMs: idle("opensearch"),
    scriptMs: forked("executor") - idle("executor"),
    sinkLineMs: sink("ownMs") / 1000,
    opensearchLineMs: sink("serverMs") / 1000,
    // A run of one line leaves two documents, its record and the line.
    outputLineBytes: queued("outputBytes") / 2,
    catalogBytes: queued("catalogBytes"),
    bodyBytes: queued("bodyBytes"),
    catalogLogBytes: queued("catalogLogBytes"),
    catalogRows: queued("catalogRows"),
    busBytes: queued("busBytes"),
    outputBytes: queued("outputBytes"),
    historyBytes: queued("historyBytes"),
  };
}

/** Throws for what was not measured. */
function figuresOf(all: AllFigures, bench: string, contender: string): (name: string) => number {
  const figures: Figures = all[bench]?.figures[contender] ?? {};
  return (name) => {
    const value = figures[name];
    if (value === undefined)
      throw new Error(`bench/scaling/figures.json has no "${name}" of "${contender}" in ${bench}`);
    return value;
  };
}
