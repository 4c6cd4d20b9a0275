import { sql } from "kysely";
import type { DialectContents } from "./dialect-traits.ts";

export const sqliteContents: DialectContents = {
  // One writer at a time, and readers see what was before until it ends.
  async seize() {},

  async lastNumber(db, table) {
    const { rows } = await sql<{ seq: number }>`select seq from sqlite_sequence where name = ${table}`.execute(db);
    return rows[0]?.seq ?? 0;
  },

  async continueAfter(tx, table, _column, last) {
    await sql`delete from sqlite_sequence where name = ${table}`.execute(tx);
    await sql`insert into sqlite_sequence (name, seq) values (${table}, ${last})`.execute(tx);
  },
};
