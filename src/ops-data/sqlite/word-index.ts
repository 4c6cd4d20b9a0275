import type { DatabaseSync, StatementSync } from "node:sqlite";
import type { SearchKind } from "./match-expression.ts";
import { highestId, lowestId } from "./time-ids.ts";

/** Documents of one part. One that is past its age is dropped at once, and a slice of a search reads one. */
const partSize = 262_144;
/** Rows of one deleting transaction. */
const rowsAtOnce = 2000;

interface Part {
  number: number;
  fromId: number;
  size: number;
}

interface Words {
  add: StatementSync;
  remove: StatementSync;
}

/**
 * Full-text indexes of documents whose ids sort by time, in parts of about `partSize` documents. A
 * part holds the words only; what a document is stands in the table of its kind.
 */
export class WordIndex {
  readonly #database: DatabaseSync;
  readonly #kind: SearchKind;
  readonly #tables: readonly string[];
  readonly #partSize: number;
  readonly #words = new Map<number, Words>();
  readonly #nextTaken: StatementSync;
  readonly #lastOfMs: StatementSync;
  readonly #settle: StatementSync;
  readonly #parts: StatementSync;
  readonly #grow: StatementSync;

  /** `tables` hold the documents by id; the first of them all. */
  constructor(database: DatabaseSync, kind: SearchKind, tables: readonly [string, ...string[]], size = partSize) {
    this.#database = database;
    this.#kind = kind;
    this.#tables = tables;
    this.#partSize = size;
    this.#nextTaken = database.prepare(`select min(id) as id from ${tables[0]} where id >= ?`);
    this.#settle = database.prepare("insert or replace into search_rowid (id) values (1)");
    this.#parts = partsStatement(database);
    this.#grow = database.prepare("update search_parts set size = size + ? where kind = ? and number = ?");
    this.#lastOfMs = database.prepare(`select max(id) as id from ${tables[0]} where id >= ? and id < ?`);
  }

  /** Gives free ids to documents in the order of their times. */
  placer(): (firstId: number) => number {
    let last = lowestId;
    let freeUntil = lowestId;
    return (firstId) => {
      let id = Math.max(firstId, last + 1);
      while (id >= freeUntil) {
        freeUntil = (this.#nextTaken.get(id) as { id: number | null }).id ?? highestId;
        if (freeUntil > id) break;
        id = ((this.#lastOfMs.get(id, id + 1024) as { id: number | null }).id ?? id) + 1;
        freeUntil = lowestId;
      }
      last = id;
      return id;
    };
  }

  /** In one transaction with what it describes. Ids that grow are quicker. */
  add(documents: readonly { id: number; words: string }[]): void {
    let parts = this.#readParts();
    const added = new Map<number, number>();
    for (const { id, words } of documents) {
      let part = partOf(parts, id);
      const size = (part?.size ?? 0) + (added.get(part?.number ?? 0) ?? 0);
      // A new part begins after the last one: only what is newer than everything may open it.
      if (part === undefined || (part === parts[0] && size >= this.#partSize && this.#isNewest(id))) {
        part = this.#open(part === undefined ? lowestId : id, (parts[0]?.number ?? 0) + 1);
        parts = [part, ...parts];
      }
      this.#wordsOf(part.number).add.run(id, words);
      added.set(part.number, (added.get(part.number) ?? 0) + 1);
    }
    for (const [number, size] of added) this.#grow.run(size, this.#kind, number);
  }

  replace(id: number, words: string): void {
    const part = partOf(this.#readParts(), id);
    if (part === undefined) return;
    this.#remove(part, id);
    this.#wordsOf(part.number).add.run(id, words);
  }

  /** Hides what is below an id at once; see `pruneSome`. */
  raiseFloor(id: number): void {
    this.#database
      .prepare(
        `insert into search_floors (kind, id) values (?, ?)
         on conflict (kind) do update set id = max(id, excluded.id)`,
      )
      .run(this.#kind, id);
  }

  /** Deletes some of what is below the floor, in the caller's transaction. Answers how many; 0 when nothing is left. */
  pruneSome(): number {
    const floor = floorOf(this.#database, this.#kind);
    const parts = this.#readParts();
    // The newest first; a part ends where the newer one begins, and the last one stays open.
    for (const [index, { number }] of parts.entries()) {
      const end = parts[index - 1]?.fromId;
      if (end === undefined || end > floor) continue;
      this.#words.delete(number);
      this.#database.exec(`drop table ${wordsTable(this.#kind, number)}`);
      this.#database.prepare("delete from search_parts where kind = ? and number = ?").run(this.#kind, number);
    }
    const rows = this.#database
      .prepare(`select id from ${this.#tables[0]} where id < ? order by id limit ${rowsAtOnce}`)
      .all(floor) as unknown as { id: number }[];
    const last = rows.at(-1);
    if (last === undefined) return 0;
    const left = this.#readParts();
    for (const { id } of rows) {
      const part = partOf(left, id);
      if (part) this.#remove(part, id);
    }
    for (const table of this.#tables) this.#database.prepare(`delete from ${table} where id <= ?`).run(last.id);
    return rows.length;
  }

  #remove({ number }: Part, id: number): void {
    this.#wordsOf(number).remove.get(id);
    // FTS5 leaves the place of its tombstone as the last row id, and node:sqlite refuses one past 2^53 after any run().
    this.#settle.run();
  }

  #isNewest(id: number): boolean {
    const { id: newest } = this.#database.prepare(`select max(id) as id from ${this.#tables[0]}`).get() as {
      id: number | null;
    };
    // The document itself is among them already.
    return newest === null || newest <= id;
  }

  #open(fromId: number, number: number): Part {
    this.#database
      .prepare("insert into search_parts (kind, number, from_id, size) values (?, ?, ?, 0)")
      .run(this.#kind, number, fromId);
    // Its own text is not kept, and single documents can be taken out (https://www.sqlite.org/fts5.html, section 4.4.3).
    this.#database.exec(
      `create virtual table ${wordsTable(this.#kind, number)} using fts5(
         words, content='', contentless_delete=1, tokenize="ascii tokenchars '_'")`,
    );
    return { number, fromId, size: 0 };
  }

  #wordsOf(number: number): Words {
    let words = this.#words.get(number);
    if (words === undefined) {
      const table = wordsTable(this.#kind, number);
      words = {
        add: this.#database.prepare(`insert into ${table} (rowid, words) values (?, ?)`),
        remove: this.#database.prepare(`delete from ${table} where rowid = ?`),
      };
      this.#words.set(number, words);
    }
    return words;
  }

  #readParts(): Part[] {
    return this.#parts.all(this.#kind) as unknown as Part[];
  }
}

export function wordsTable(kind: SearchKind, number: number): string {
  return `${kind}_words_${number}`;
}

/** The newest first. */
export function partsOf(database: DatabaseSync, kind: SearchKind): Part[] {
  return partsStatement(database).all(kind) as unknown as Part[];
}

function partsStatement(database: DatabaseSync): StatementSync {
  return database.prepare(
    "select number, from_id as fromId, size from search_parts where kind = ? order by number desc",
  );
}

export function floorOf(database: DatabaseSync, kind: SearchKind): number {
  const row = database.prepare("select id from search_floors where kind = ?").get(kind) as { id: number } | undefined;
  return row?.id ?? lowestId;
}

function partOf(parts: readonly Part[], id: number): Part | undefined {
  // Older than all parts: their beginnings were dropped, and the oldest that is left takes it.
  return parts.find(({ fromId }) => fromId <= id) ?? parts.at(-1);
}
