import { context } from "@streamzero/fx";
import { readRow } from "./row.ts";

const batch = context.params.get<string>("batch", "");
const rows = context.params.get<Record<string, string>[]>("rows", []);

const good = [];
let rejected = 0;
for (const raw of rows) {
  const { row, problem } = readRow(raw);
  if (problem === undefined) {
    good.push(row);
    continue;
  }
  rejected += 1;
  console.log(`${raw.date}: ${problem}`);
  await context.events.send("weather.row_rejected", { row: raw, problem }, { subject: raw.date ?? "" });
}

console.log(`${batch}: ${good.length} rows are good, ${rejected} are not`);
const checked = {
  batch,
  batches: context.params.get<number>("batches", 1),
  rows: good,
  rejected,
  before: context.params.get<string[]>("before", []).map(Number),
};
await context.events.send("weather.rows_checked", checked, { subject: batch });
