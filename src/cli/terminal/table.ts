import Table from "cli-table3";
import type { Column } from "./column.ts";
import type { Paint } from "./style.ts";

const none = Object.fromEntries(
  ["top", "top-mid", "top-left", "top-right", "bottom", "bottom-mid", "bottom-left", "bottom-right"]
    .concat(["left", "left-mid", "mid", "mid-mid", "right", "right-mid"])
    .map((name) => [name, ""]),
);

/** Columns aligned by two spaces, without lines: it can be read, and cut by `awk`. */
export function tableText<Row>(rows: readonly Row[], columns: readonly Column<Row>[], paint: Paint): string {
  const table = new Table({
    head: columns.map(({ title }) => paint("dim", title)),
    chars: { ...none, middle: "  " },
    style: { head: [], border: [], "padding-left": 0, "padding-right": 0 },
  });
  for (const row of rows) table.push(columns.map((column) => column.of(row, paint)));
  return table
    .toString()
    .split("\n")
    .map((line) => line.trimEnd())
    .join("\n");
}
