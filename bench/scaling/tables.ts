import { markdownTable } from "../support/table.ts";
import { predictions, statedError } from "./check.ts";
import { costsOf } from "./costs.ts";
import { readFigures } from "./figures.ts";
import { assumed, type Load, type Sums, sumsOf } from "./model.ts";

type Cell = string | number;

const rows: readonly (readonly [string, (sums: Sums) => Cell])[] = [
  ["runs/s", ({ runs }) => runs],
  ["managers", ({ managers }) => managers],
  ["routers", ({ routers }) => routers],
  ["executors", ({ executors }) => executors],
  ["- processors for their scripts", ({ scriptProcessors }) => scriptProcessors],
  ["sinks", ({ sinks }) => sinks],
  ["partitions of a topic, at least", ({ partitions }) => partitions],
  ["processors of Kafka", ({ busProcessors }) => busProcessors],
  ["processors of PostgreSQL", ({ catalogProcessors }) => catalogProcessors],
  ["processors of OpenSearch", ({ operationsProcessors }) => operationsProcessors],
  ["rows that the catalog writes/s", ({ catalogRows }) => catalogRows],
  ["its log, MB/s", ({ catalogLogMegabytes }) => catalogLogMegabytes],
  ["catalogs", ({ catalogs }) => catalogs],
  ["one catalog is full at, events/s", ({ catalogFullAt }) => catalogFullAt],
  [`days that ${assumed.catalogTerabytes} TB in each catalog hold`, ({ catalogDays }) => catalogDays],
  ["GB a day: catalog", ({ gigabytesADay }) => gigabytesADay.catalog],
  ["- backbone", ({ gigabytesADay }) => gigabytesADay.bus],
  ["- operational data", ({ gigabytesADay }) => gigabytesADay.operations],
  ["TB kept, with copies: catalog", ({ terabytesKept }) => terabytesKept.catalog],
  ["- backbone", ({ terabytesKept }) => terabytesKept.bus],
  ["- operational data", ({ terabytesKept }) => terabytesKept.operations],
];

/** A column for each load. */
export function sumsTable(loads: readonly Load[]): string {
  const costs = costsOf(readFigures());
  const all = loads.map((load) => sumsOf(load, costs));
  const columns = ["", ...loads.map(({ events }) => `${events.toLocaleString("en")} events/s`)];
  return markdownTable(
    columns,
    rows.map(([name, cell]) => [name, ...all.map(cell)]),
  );
}

const costUnits: readonly (readonly [keyof ReturnType<typeof costsOf>, string, string])[] = [
  ["managerMs", "manager, an event: ms of a processor", "executions-on-engines"],
  ["routerMs", "router, an event with its run", "executions-on-engines"],
  ["routerFullMs", "- in batches of 500, without what its run tells", "routing-on-engines"],
  ["executorMs", "executor, a run without its script", "executions-on-engines"],
  ["scriptMs", "- a script in Python that prints a line", "executions-on-engines"],
  ["sinkMs", "sink, an event with its run of one line", "executions-on-engines"],
  ["sinkLineMs", "- a further line", "sink-on-engines"],
  ["kafkaMs", "Kafka, an event with its run", "executions-on-engines"],
  ["postgresMs", "PostgreSQL, the same", "executions-on-engines"],
  ["postgresFullMs", "- an event in batches of 500, without its run", "routing-on-engines"],
  ["opensearchMs", "OpenSearch, the same", "executions-on-engines"],
  ["opensearchLineMs", "- a further line", "sink-on-engines"],
  ["catalogRows", "rows that the catalog writes for it", "queue-on-engines"],
  ["catalogLogBytes", "bytes of PostgreSQL's log", "queue-on-engines"],
  ["catalogBytes", "bytes of tables and indexes", "queue-on-engines"],
  ["bodyBytes", "- of the event's body", "queue-on-engines"],
  ["busBytes", "bytes of Kafka", "queue-on-engines"],
  ["outputBytes", "bytes of output in OpenSearch", "queue-on-engines"],
  ["historyBytes", "- of events and history", "queue-on-engines"],
];

/** What the sums are made of, and what measures it. */
export function costsTable(): string {
  const figures = readFigures();
  const costs = costsOf(figures);
  return markdownTable(
    ["", "measured", "by"],
    costUnits.map(([cost, name, bench]) => [name, costs[cost], `\`${figures[bench]?.command}\``]),
  );
}

/** What the model says of what was measured. */
export function checkTable(): string {
  const found = predictions(readFigures());
  const most = `error, at most ${statedError * 100} %`;
  return markdownTable(
    ["scripts that do nothing", "executions/s", "predicted", most],
    found.map(({ name, measured, predicted }) => [
      name.replace("nothing, ", ""),
      measured,
      predicted,
      `${Math.round((predicted / measured - 1) * 100)} %`,
    ]),
  );
}
