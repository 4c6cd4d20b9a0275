/**
 * npm run scaling [-- --events 10,1000,100000] [--runs-per-event 1.2] [--log-lines 20] [--script-ms N]
 *
 * The sums for so many events a second, from what was measured here (figures.json).
 */
import { parseArgs } from "node:util";
import { sumsTable } from "./tables.ts";

const { values } = parseArgs({
  options: {
    events: { type: "string", default: "10,1000,100000" },
    "runs-per-event": { type: "string", default: "1.2" },
    "log-lines": { type: "string", default: "20" },
    "script-ms": { type: "string" },
  },
});

function numberOf(name: keyof typeof values, text: string | undefined): number {
  const value = Number(text);
  if (Number.isFinite(value) && value >= 0) return value;
  console.error(`--${name}: a number from 0, not ${text}`);
  process.exit(2);
}

const shape = {
  runsPerEvent: numberOf("runs-per-event", values["runs-per-event"]),
  logLines: numberOf("log-lines", values["log-lines"]),
  scriptMs: values["script-ms"] === undefined ? undefined : numberOf("script-ms", values["script-ms"]),
};
console.log(sumsTable(values.events.split(",").map((text) => ({ events: numberOf("events", text), ...shape }))));
