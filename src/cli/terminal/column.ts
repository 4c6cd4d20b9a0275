import type { Paint } from "./style.ts";

export interface Column<Row> {
  title: string;
  of: (row: Row, paint: Paint) => string;
}
