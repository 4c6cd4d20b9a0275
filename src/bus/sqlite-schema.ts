import type { DatabaseSync } from "node:sqlite";
import { openSqliteFile } from "../foundation/sqlite-file.ts";

/** Steps from one version of bus.db to the next. Never changed once released; see `migrateSqliteFile`. */
export const busSchema: readonly string[] = [
  `create table logs (
     id integer primary key,
     topic text not null,
     partition integer not null,
     -- As of the last time that batches were deleted; later ones are in batches.
     earliest integer not null default 0,
     next integer not null default 0,
     unique (topic, partition)
   ) strict;
   create table batches (
     log integer not null references logs (id),
     base integer not null,
     count integer not null,
     at integer not null,
     records blob not null,
     primary key (log, base)
   ) strict;
   create table positions (
     consumer_group text not null,
     topic text not null,
     partition integer not null,
     offset integer not null,
     primary key (consumer_group, topic, partition)
   ) strict, without rowid;`,
];

/**
 * How long one of the bus's two connections waits for the other's transaction. Each is one commit or one piece of
 * pruning; the time is for a disk that hardly answers.
 */
const busyTimeoutMs = 30_000;

/** Opens the bus's file for one of the threads that share it. */
export function openSharedBusFile(path: string): DatabaseSync {
  const database = openSqliteFile(path);
  database.exec(`pragma busy_timeout = ${busyTimeoutMs}`);
  return database;
}
