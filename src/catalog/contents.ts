/** Everything that a catalog holds, as rows: to carry it into another one, whatever databases the two are on. */
export interface CatalogContents {
  /** Rows by table, of tables that have any. What a new catalog has by itself is not counted. */
  counts(): Promise<ReadonlyMap<string, number>>;
  /** The rows of a table in the order of its key, a page at a time: what is written meanwhile may or may not be seen. */
  pages(table: string): AsyncIterable<readonly CatalogRow[]>;
  /** The last number that the database gave out, by the tables whose rows it numbers; 0: none yet. */
  numbers(): Promise<ReadonlyMap<string, number>>;
  /**
   * Takes over another catalog's rows in one transaction, in which nobody else reads or writes: all of them, or nothing. Before it
   * ends each table is read again and compared. Throws `conflict` when this one holds anything, and `corrupt` when what is
   * read is not what was written.
   */
  fill(from: CatalogContents, options?: FillOptions): Promise<FilledTable[]>;
  /** Whether this one holds what another does, row for row. */
  equals(other: CatalogContents, left?: LeftOut): Promise<boolean>;
}

/** Whole numbers, text, bytes or nothing: a catalog has no other values. */
export type CatalogRow = Readonly<Record<string, number | string | Uint8Array | null>>;

/** Tables whose rows stay behind. */
export type LeftOut = readonly string[];

export interface FillOptions {
  without?: LeftOut;
  /** Called now and then with how many rows of a table are written. */
  onRows?: (table: string, rows: number) => void;
}

export interface FilledTable {
  table: string;
  rows: number;
}

/** What is true of one backbone only: up to where it was routed and watched, by partition. */
export const tablesOfTheBus: LeftOut = ["partitions", "batches", "alert_positions"];
