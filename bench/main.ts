/**
 * npm run bench [-- name ...] [--rounds N] [--lines N] [--runs N] [--save] [--figures] [--list]
 *
 * Measures the platform beside what bounds it, on this machine, in one run. `--save` also writes the tables to
 * bench/results/<date>.md, and `--figures` what the model of scaling reads to bench/scaling/figures.json.
 */
import { mkdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { parseArgs } from "node:util";
import { accepted } from "./accepted.ts";
import { acceptedOnEngines } from "./accepted-on-engines.ts";
import { copying } from "./copying.ts";
import { eventTypes } from "./event-types.ts";
import { executions } from "./executions.ts";
import { executionsOnEngines } from "./executions-on-engines.ts";
import { flows } from "./flows.ts";
import { footprint } from "./footprint.ts";
import { ingest } from "./ingest.ts";
import { listing } from "./listing.ts";
import { logSearch } from "./log-search.ts";
import { matching } from "./matching.ts";
import { queueOnEngines } from "./queue-on-engines.ts";
import { routing } from "./routing.ts";
import { routingOnEngines } from "./routing-on-engines.ts";
import { keepFigures } from "./scaling/figures.ts";
import { sinkOnEngines } from "./sink-on-engines.ts";
import type { Bench } from "./support/bench.ts";
import { stopEngines } from "./support/engines.ts";
import { describeMachine } from "./support/machine.ts";
import { renderReport } from "./support/table.ts";
import { tools } from "./tools.ts";
import { warmRuns } from "./warm-runs.ts";

const onEngines: readonly Bench[] = [
  routingOnEngines,
  executionsOnEngines,
  acceptedOnEngines,
  queueOnEngines,
  sinkOnEngines,
];

const benches: readonly Bench[] = [
  matching,
  eventTypes,
  routing,
  ingest,
  accepted,
  executions,
  warmRuns,
  flows,
  tools,
  footprint,
  listing,
  logSearch,
  copying,
  ...onEngines,
];

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    rounds: { type: "string", default: "5" },
    lines: { type: "string" },
    runs: { type: "string" },
    save: { type: "boolean", default: false },
    figures: { type: "boolean", default: false },
    list: { type: "boolean", default: false },
  },
});

function chosen(): readonly Bench[] {
  const asked = positionals.flatMap((name) => (name === "engines" ? onEngines.map((bench) => bench.name) : [name]));
  const unknown = asked.filter((name) => !benches.some((bench) => bench.name === name));
  if (unknown.length > 0) {
    const names = benches.map(({ name }) => name).join(", ");
    console.error(`no such bench: ${unknown.join(", ")}; there are ${names}, and engines for those on them`);
    process.exit(2);
  }
  return asked.length === 0 ? benches : benches.filter(({ name }) => asked.includes(name));
}

async function run(): Promise<void> {
  const rounds = Number(values.rounds);
  if (!Number.isInteger(rounds) || rounds < 1) throw new Error(`--rounds: a whole number from 1, not ${values.rounds}`);
  const command = ["npm run bench", ...(process.argv.length > 2 ? ["--", ...process.argv.slice(2)] : [])].join(" ");
  const parts = [`# ${new Date().toISOString().slice(0, 16)} \`${command}\``, describeMachine()];
  console.log(parts.join("\n\n"));
  for (const bench of chosen()) {
    const note = (text: string) =>
      (process.stderr.isTTY || process.env.DBG) && process.stderr.write(`\x1b[2K\r${bench.name}: ${text}`);
    const report = await bench.run({
      rounds,
      note,
      lines: values.lines === undefined ? undefined : Number(values.lines),
      runs: values.runs === undefined ? undefined : Number(values.runs),
    });
    note("\n");
    if (values.figures && report.figures) keepFigures(bench.name, figuresOptions(rounds), report.figures);
    const text = renderReport(report);
    console.log(`\n${text}`);
    parts.push(text);
  }
  await stopEngines();
  parts.push(`Load of the machine at the end: ${describeMachine().split("load ").at(-1)}`);
  if (values.save) save(parts.join("\n\n"));
}

function figuresOptions(rounds: number): string {
  return [`--rounds ${rounds}`, ...(values.runs === undefined ? [] : [`--runs ${values.runs}`])].join(" ");
}

function save(text: string): void {
  const folder = path.join(import.meta.dirname, "results");
  mkdirSync(folder, { recursive: true });
  const file = path.join(folder, `${new Date().toISOString().slice(0, 10)}.md`);
  writeFileSync(file, `${text}\n`, { flag: "a" });
  console.log(`\nadded to ${path.relative(process.cwd(), file)}`);
}

if (values.list) for (const { name, title } of benches) console.log(`${name.padEnd(22)} ${title}`);
else await run();
