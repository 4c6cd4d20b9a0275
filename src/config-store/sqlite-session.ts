import type { DatabaseSync } from "node:sqlite";
import type { Clock } from "../foundation/clock.ts";
import { PlatformError } from "../foundation/errors.ts";
import { inTransaction, translateSqliteError } from "../foundation/sqlite-file.ts";

/** The open database, as the stores in it share it. */
export class SqliteSession {
  readonly database: DatabaseSync;
  readonly #clock: Clock;
  readonly #isOwner: () => boolean;
  #closed = false;

  constructor(database: DatabaseSync, clock: Clock, isOwner: () => boolean) {
    this.database = database;
    this.#clock = clock;
    this.#isOwner = isOwner;
  }

  get now(): number {
    return Math.floor(this.#clock.now());
  }

  close(): void {
    this.#closed = true;
  }

  /** Runs statements; throws our errors. */
  run<Result>(work: () => Result): Result {
    if (this.#closed || !this.#isOwner()) {
      throw new PlatformError("unavailable", "the configuration store is closed, or its database was opened anew", {
        retryable: false,
      });
    }
    try {
      return work();
    } catch (error) {
      throw translateConfigStoreError(error);
    }
  }

  /** All of it or nothing. */
  transaction<Result>(work: () => Result): Result {
    return this.run(() => inTransaction(this.database, work));
  }
}

export function translateConfigStoreError(error: unknown): unknown {
  return translateSqliteError(error, "the configuration store's");
}
