import { chmodSync } from "node:fs";
import type { Bench } from "./support/bench.ts";
import {
  idleMs,
  lastSequence,
  noopExecutor,
  noopFiles,
  processorEach,
  sendEvents,
  spenders,
  spentCells,
  untilCompleted,
  untilResting,
} from "./support/engine-runs.ts";
import { BenchInstallation } from "./support/installation.ts";
import { platformCommand } from "./support/platform.ts";
import { type Figures, interleaved, ratio } from "./support/rounds.ts";
import { languages, serviceFiles } from "./support/scripts.ts";
import { withTempDir } from "./support/temp-dir.ts";

const slots = 16;
const warmUpRuns = 100;

interface Contender {
  name: string;
  /** In the figures for the model. */
  slug: string;
  type: string;
  executors: number;
  runs: number;
  command: readonly string[];
}

const noopType = "bench.noop.run";
const noop = { type: noopType, runs: 2000, command: noopExecutor };
const scripts = { executors: 1, command: platformCommand("executor") };

const contenders: readonly Contender[] = [
  { ...noop, name: "scripts that do nothing, 1 executor", slug: "nothing, 1 executor", executors: 1 },
  { ...noop, name: "- 2 executors", slug: "nothing, 2 executors", executors: 2 },
  { ...noop, name: "- 4 executors", slug: "nothing, 4 executors", executors: 4 },
  { ...scripts, name: "Python, warm, 1 executor", slug: "warm, 1 executor", type: "bench.python-warm.run", runs: 1000 },
  { ...scripts, name: "Python, 1 executor", slug: "forked, 1 executor", type: "bench.python.run", runs: 500 },
];

/** Executions through Kafka and PostgreSQL, every role a process: accepted, routed, claimed, run, output kept, completed. */
export const executionsOnEngines: Bench = {
  name: "executions-on-engines",
  title: "Executions on Kafka and PostgreSQL",
  run: ({ rounds, note }) =>
    withTempDir(async (directory) => {
      chmodSync(directory, 0o711);
      const settings = { FX_EXECUTOR_SLOTS: `${slots}`, FX_EXECUTOR_WARM_PROCESSES: "4" };
      const installation = await BenchInstallation.open(directory, settings, note);
      try {
        for (const role of ["manager", "router", "sink"]) await installation.start(role);
        await deployAll(installation);
        const measured = await interleaved(
          contenders.map((contender) => ({ name: contender.name, measure: () => measure(installation, contender) })),
          rounds,
          note,
        );
        const [one] = measured;
        if (!one) throw new Error("nothing was measured");
        return {
          title: `${executionsOnEngines.title}: ${slots} slots an executor`,
          columns: [
            "",
            "executions/s",
            "of one executor",
            "processors kept busy",
            ...Object.values(spenders),
            "all at rest, ms a second",
          ],
          rows: measured.map((each) => [
            each.name,
            each.median.perSecond ?? 0,
            ratio(each, one, "perSecond"),
            each.median.busy ?? 0,
            ...spentCells(each.median),
            each.median.idle ?? 0,
          ]),
          figures: Object.fromEntries(contenders.map(({ slug }, n) => [slug, measured[n]?.median ?? {}])),
          remarks: [
            `${noop.runs} events (Python: fewer) of 500 bytes, sent in requests of 500, of one service; from the first request until the last execution is completed. One manager, one router and one sink beside the executors, all on this machine with the engines. Processor time, user and system, of each execution, until all that follows from it is stored, without what all take while there is nothing to do; of an executor with its launcher and scripts.`,
          ],
        };
      } finally {
        await installation.close();
      }
    }),
};

async function deployAll(installation: BenchInstallation): Promise<void> {
  const manager = installation.process("manager");
  await manager.deploy("noop", noopFiles(noopType));
  for (const language of languages.filter(({ file }) => file.endsWith(".py"))) {
    await manager.deploy(language.slug, serviceFiles(language, `bench.${language.slug}.run`));
  }
}

async function measure(installation: BenchInstallation, contender: Contender): Promise<Figures> {
  const { type, runs, command, executors } = contender;
  const names = Array.from({ length: executors }, (_, n) => `executor-${n + 1}`);
  await Promise.all(names.map((name) => installation.start(name, command)));
  const manager = installation.process("manager");
  const run = async (count: number) => {
    const sequence = await lastSequence(installation);
    const sentAt = Date.now();
    await sendEvents(manager, type, count);
    const { over } = await untilCompleted(installation, sequence, count);
    return (count / (over - sentAt)) * 1000;
  };
  await run(warmUpRuns);
  await untilResting(installation);
  const idle = await idleMs(installation);
  const [began, before] = [performance.now(), installation.processorMs()];
  const perSecond = await run(runs);
  await untilResting(installation);
  const spent = processorEach(installation, before, runs, { idle, seconds: (performance.now() - began) / 1000 });
  await installation.stop(...names);
  return { perSecond, busy: (perSecond * (spent.all ?? 0)) / 1000, idle: sumOf(idle), ...spent };
}

function sumOf(idle: ReadonlyMap<string, number>): number {
  return [...idle.values()].reduce((sum, ms) => sum + ms, 0);
}
