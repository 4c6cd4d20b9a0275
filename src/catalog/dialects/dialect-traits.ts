import type { ColumnDataType, ColumnDefinitionBuilder, RawBuilder } from "kysely";

/** All in which the stores and migrations differ between databases; everything else is written once. */
export interface DialectTraits {
  /** Type and definition of a key that the database numbers, growing and never used again. */
  serial: {
    type: ColumnDataType;
    define(column: ColumnDefinitionBuilder): ColumnDefinitionBuilder;
  };
  /** Type of a column of bytes. */
  bytes: ColumnDataType;
  /** Ends the query that picks what to claim: rows that another transaction holds are passed over. */
  skipLocked: RawBuilder<unknown>;
  /** Names the index a list must walk, where the planner has no statistics of its own to choose by. */
  walk(index: string): RawBuilder<unknown>;
}
