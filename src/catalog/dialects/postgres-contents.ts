import { sql } from "kysely";
import type { DialectContents } from "./dialect-traits.ts";

export const postgresContents: DialectContents = {
  async seize(tx, tables) {
    const all = sql.join(tables.map((table) => sql.table(table)));
    await sql`lock table ${all} in access exclusive mode`.execute(tx);
  },

  async lastNumber(db, table, column) {
    const { rows } = await sql<{ last: number | null }>`
      select pg_sequence_last_value(pg_get_serial_sequence(${table}, ${column})) as last`.execute(db);
    return rows[0]?.last ?? 0;
  },

  async continueAfter(tx, table, column, last) {
    await sql`select setval(pg_get_serial_sequence(${table}, ${column}), ${last})`.execute(tx);
  },
};
