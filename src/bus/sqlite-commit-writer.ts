import type { DatabaseSync, StatementSync } from "node:sqlite";
import { inTransaction } from "../foundation/sqlite-file.ts";
import type { CommitOutcome, CommitRows, CommitWriter } from "./commit-writer.ts";

/** Writes commits in the caller's thread, which waits for the disk: answered when `write` returns. */
export class SqliteCommitWriter implements CommitWriter {
  readonly #database: DatabaseSync;
  readonly #appendBatch: StatementSync;
  readonly #storePosition: StatementSync;

  constructor(database: DatabaseSync) {
    this.#database = database;
    this.#appendBatch = database.prepare("insert into batches (log, base, count, at, records) values (?, ?, ?, ?, ?)");
    this.#storePosition = database.prepare(
      `insert into positions (consumer_group, topic, partition, offset) values (?, ?, ?, ?)
       on conflict do update set offset = max(offset, excluded.offset)`,
    );
  }

  write(rows: CommitRows, done: (outcome: CommitOutcome) => void): void {
    let outcome: CommitOutcome = { kind: "durable" };
    try {
      inTransaction(this.#database, () => {
        for (const { log, base, count, at, records } of rows.batches) {
          this.#appendBatch.run(log, base, count, at, records);
        }
        for (const { group, topic, partition, offset } of rows.positions) {
          this.#storePosition.run(group, topic, partition, offset);
        }
      });
    } catch (error) {
      outcome = { kind: "failed", error };
    }
    done(outcome);
  }

  /** The database belongs to the caller. */
  async close(): Promise<void> {}
}
