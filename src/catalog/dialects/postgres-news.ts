import { type Kysely, sql } from "kysely";
import type { Migration } from "kysely/migration";

/** Notifications of every process on the database come by it; each names a CatalogChange. */
export const newsChannel = "fx_catalog";

/** The database itself tells of changes, within the transaction that makes them, so that no store can forget to. */
export const newsMigration: Migration = {
  async up(db: Kysely<unknown>) {
    await sql`
      create function fx_tell() returns trigger language plpgsql as $$
      begin
        perform pg_notify(${sql.lit(newsChannel)}, tg_argv[0]);
        return null;
      end $$`.execute(db);
    await sql`
      create trigger links_changed after update on settings
      for each statement execute function fx_tell('links')`.execute(db);
    await sql`
      create trigger executions_came after insert on executions
      for each statement execute function fx_tell('dispatch')`.execute(db);
  },
};
