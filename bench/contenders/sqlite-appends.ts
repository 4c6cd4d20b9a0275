import { DatabaseSync } from "node:sqlite";

/** Rows per second that one thread appends to a table, so many a transaction, each transaction synced. */
export function sqliteAppends(file: string, rowsPerCommit: number, row: Uint8Array, measureMs: number): number {
  const database = new DatabaseSync(file);
  database.exec("pragma journal_mode = wal; pragma synchronous = full");
  database.exec("create table if not exists events (id integer primary key, body blob not null)");
  const insert = database.prepare("insert into events (body) values (?)");
  let rows = 0;
  let elapsedMs = 0;
  const began = performance.now();
  while (elapsedMs < measureMs) {
    database.exec("begin immediate");
    for (let index = 0; index < rowsPerCommit; index += 1) insert.run(row);
    database.exec("commit");
    rows += rowsPerCommit;
    elapsedMs = performance.now() - began;
  }
  database.close();
  return (rows / elapsedMs) * 1000;
}
