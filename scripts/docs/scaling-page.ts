import { readFileSync } from "node:fs";
import { checkTable, costsTable, sumsTable } from "../../bench/scaling/tables.ts";

const page = new URL("../../docs/scaling.md", import.meta.url);

/** The loads of the page: `npm run scaling` without options prints the same. */
const loads = [10, 1000, 100_000].map((events) => ({ events, runsPerEvent: 1.2, logLines: 20 }));

const tables = { costs: costsTable, sums: () => sumsTable(loads), check: checkTable };

/** `docs/scaling.md` as it is written, with its tables made anew from what was measured. */
export function scalingPage(): string {
  let text = readFileSync(page, "utf8");
  for (const [name, table] of Object.entries(tables)) {
    const place = new RegExp(`(<!-- table: ${name} -->\\n\\n)[^]*?(\\n\\n<!-- end -->)`);
    if (!place.test(text)) throw new Error(`docs/scaling.md has no place for the table "${name}"`);
    text = text.replace(place, (_, before: string, after: string) => `${before}${table()}${after}`);
  }
  return text;
}
