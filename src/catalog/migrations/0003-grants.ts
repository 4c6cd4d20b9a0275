import { type Kysely, sql } from "kysely";
import type { Migration } from "kysely/migration";

/** The scopes whose secrets a service may set, as JSON; a person grants them. */
export const grantMigration: Migration = {
  async up(db: Kysely<unknown>) {
    await sql`alter table services add column grants text not null default '[]'`.execute(db);
  },
};
