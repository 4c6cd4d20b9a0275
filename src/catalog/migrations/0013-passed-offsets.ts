import type { Kysely } from "kysely";
import type { Migration } from "kysely/migration";

/** Offsets that hold no record for readers, as where a transaction of an outside program ends (rule D15). */
export const passedOffsetsMigration: Migration = {
  async up(db: Kysely<unknown>) {
    for (const table of ["partitions", "batches"]) {
      await db.schema
        .alterTable(table)
        .addColumn("passed", "bigint", (c) => c.notNull().defaultTo(0))
        .execute();
    }
  },
};
