import type { Costs } from "./costs.ts";

/** What is asked of an installation. */
export interface Load {
  /** A second, from outside. */
  events: number;
  runsPerEvent: number;
  /** Lines that a run prints. */
  logLines: number;
  /** Milliseconds of a processor that a script takes; undefined: those of one in Python that prints a line. */
  scriptMs?: number | undefined;
}

/** What is not measured but chosen. */
export const assumed = {
  /** Of each processor, so that peaks and the loss of a machine are borne. */
  busyShare: 0.6,
  /** Most that one server of PostgreSQL is given. */
  catalogProcessors: 16,
  catalogLogMegabytes: 100,
  catalogTerabytes: 10,
  copies: { catalog: 2, bus: 3, operations: 2 },
  /** Of each process that reads a topic, so that one more finds some. */
  partitionsPerReader: 2,
  fewestPartitions: 8,
  /** On the backbone, where the lines of one write are one record. */
  lineBytes: 90,
  /** As the settings of retention are without another word. */
  daysKept: { catalog: 90, bodies: 30, bus: 7, busLines: 1, output: 30, history: 90 },
} as const;

/** Per second where nothing else is said. */
export interface Sums {
  load: Load;
  runs: number;
  partitions: number;
  managers: number;
  routers: number;
  executors: number;
  sinks: number;
  scriptProcessors: number;
  busProcessors: number;
  catalogProcessors: number;
  operationsProcessors: number;
  catalogRows: number;
  catalogLogMegabytes: number;
  /** Servers of PostgreSQL, each with a part of the projects. */
  catalogs: number;
  gigabytesADay: { catalog: number; bus: number; operations: number };
  /** With copies, at the end of the retention. */
  terabytesKept: { catalog: number; bus: number; operations: number };
  /** Events a second at which one catalog has no room for more. */
  catalogFullAt: number;
  /** How long what is written fits on the disks of the catalogs. */
  catalogDays: number;
}

const secondsADay = 86_400;

/**
 * The sums of a load. Work grows with events and runs in proportion: what is written in larger batches when there is more to do is
 * not counted on. A process of the platform has one thread that matters, so that it is one processor at most.
 */
export function sumsOf(load: Load, costs: Costs): Sums {
  const { events, runsPerEvent, logLines, scriptMs = costs.scriptMs } = load;
  const runs = events * runsPerEvent;
  // An event that starts nothing is decided and kept all the same; each run after the first is told of as the first is.
  const decided = Math.max(events, runs);
  const furtherLines = runs * Math.max(0, logLines - 1);
  const processors = (perSecond: number, ms: number) => (perSecond * ms) / 1000 / assumed.busyShare;
  const processes = (perSecond: number, ms: number) => Math.max(1, Math.ceil(processors(perSecond, ms)));

  const routers = processes(decided, costs.routerMs);
  const sinkMs = decided * costs.sinkMs + furtherLines * costs.sinkLineMs;
  const sinks = processes(1, sinkMs);
  const catalogProcessors = processors(decided, costs.postgresMs);
  const catalogLogMegabytes = (decided * costs.catalogLogBytes) / 1e6;
  const catalogShare = Math.max(
    catalogProcessors / assumed.catalogProcessors,
    catalogLogMegabytes / assumed.catalogLogMegabytes,
  );
  const bytes = {
    catalog: decided * costs.catalogBytes,
    bodies: events * costs.bodyBytes,
    bus: decided * costs.busBytes,
    busLines: furtherLines * assumed.lineBytes,
    output: runs * costs.outputBytes + furtherLines * costs.outputLineBytes,
    history: decided * costs.historyBytes,
  };
  const catalogs = Math.max(1, Math.ceil(catalogShare));
  const catalogADay = gigabytes((bytes.catalog + bytes.bodies) * secondsADay);
  const { copies, daysKept } = assumed;
  const kept = (name: keyof typeof bytes) => bytes[name] * secondsADay * daysKept[name];
  return {
    load,
    runs,
    partitions: partitionsFor(Math.max(routers, sinks)),
    managers: processes(events, costs.managerMs),
    routers,
    executors: processes(runs, costs.executorMs),
    sinks,
    scriptProcessors: processors(runs, scriptMs),
    busProcessors: processors(1, decided * costs.kafkaMs),
    catalogProcessors,
    operationsProcessors: processors(1, decided * costs.opensearchMs + furtherLines * costs.opensearchLineMs),
    catalogRows: decided * costs.catalogRows,
    catalogLogMegabytes,
    catalogs,
    gigabytesADay: {
      catalog: catalogADay,
      bus: gigabytes((bytes.bus + bytes.busLines) * secondsADay),
      operations: gigabytes((bytes.output + bytes.history) * secondsADay),
    },
    terabytesKept: {
      catalog: gigabytes((kept("catalog") + kept("bodies")) * copies.catalog) / 1000,
      bus: gigabytes((kept("bus") + kept("busLines")) * copies.bus) / 1000,
      operations: gigabytes((kept("output") + kept("history")) * copies.operations) / 1000,
    },
    catalogFullAt: events / catalogShare,
    catalogDays: (assumed.catalogTerabytes * 1000 * catalogs) / catalogADay,
  };
}

/** A power of two, so that it can be doubled. */
function partitionsFor(readers: number): number {
  return Math.max(assumed.fewestPartitions, 2 ** Math.ceil(Math.log2(readers * assumed.partitionsPerReader)));
}

function gigabytes(bytes: number): number {
  return bytes / 1e9;
}
