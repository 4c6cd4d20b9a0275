import type { ColumnDataType, ColumnDefinitionBuilder, KyselyPlugin, QueryExecutorProvider, RawBuilder } from "kysely";
import type { Migration } from "kysely/migration";

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
  /** What transactions that run at once meet on; undefined where there is one writer at a time. */
  locks: DialectLocks | undefined;
  /** Partitions of steps by time, so that old ones go as a whole; undefined where they lie in one table. */
  stepDays: StepDays | undefined;
  /** What filling a whole catalog needs. */
  contents: DialectContents;
  /** Whether a transaction failed because of what another one did meanwhile, so that it is to be run again. */
  isContention(error: unknown): boolean;
  /** What the statements of the migrations go through. */
  schemaPlugins: readonly KyselyPlugin[];
  /** Migrations that this database has besides, among the others by their names. */
  migrations: Readonly<Record<string, Migration>>;
}

export interface DialectContents {
  /** Keeps everybody else from the tables until the transaction ends. */
  seize(tx: QueryExecutorProvider, tables: readonly string[]): Promise<void>;
  /** The last number given out for a column that the database numbers; 0: none yet. */
  lastNumber(db: QueryExecutorProvider, table: string, column: string): Promise<number>;
  /** The next number is the one after `last`. */
  continueAfter(tx: QueryExecutorProvider, table: string, column: string, last: number): Promise<void>;
}

/** A number that a transaction can hold until its end, alone or with others that share it. */
export interface DialectLock {
  kind: number;
  n: number;
  shared: boolean;
}

export interface DialectLocks {
  /** Waits for each in turn. */
  take(tx: QueryExecutorProvider, locks: readonly DialectLock[]): Promise<void>;
  /** Takes those that are free, each alone, and waits for none. Answers which it has. */
  tryTake(tx: QueryExecutorProvider, locks: readonly DialectLock[]): Promise<boolean[]>;
  /** Before the transaction waits for something else than the database: it may stand still for so long, and no longer. */
  allowPause(tx: QueryExecutorProvider, pauseMs: number): Promise<void>;
}

/**
 * Steps by the day, in UTC, on which their execution was made. What makes or drops a day throws `unavailable` where somebody
 * works on it for longer than a moment, and is to be done another time.
 */
export interface StepDays {
  /** Makes the partitions of today and of the days to come, where they are missing. */
  makeAhead(tx: QueryExecutorProvider, now: number): Promise<void>;
  /** Whether the steps of an execution lie in a day's partition, and so go with it. */
  holders(tx: QueryExecutorProvider): Promise<(id: string) => boolean>;
  /** Drops at most one day that ended before a time and of which no execution is left; answers how many. */
  dropBefore(tx: QueryExecutorProvider, before: number): Promise<number>;
  /** Of days that ended before a time and have executions left: deletes at most `limit` steps of those that are gone. */
  deleteOrphans(tx: QueryExecutorProvider, before: number, limit: number): Promise<number>;
}
