import { type QueryExecutorProvider, sql } from "kysely";
import { PlatformError } from "../../foundation/errors.ts";
import { defaultProject } from "../../services/names.ts";
import type { CatalogContents, CatalogRow, FilledTable, FillOptions } from "../contents.ts";
import { BulkInsert } from "./bulk-insert.ts";
import { RowDigest } from "./row-digest.ts";
import { inTransaction, type StoreContext, type Tx } from "./store-context.ts";
import { numberedTables, tableKeys, tableNames } from "./table-keys.ts";
import type { Tables } from "./tables.ts";

/** Of a page, which is read, and written, by one statement: it has to end within the time that a statement has. */
const pageRows = 128;
/** Tables whose rows may have megabytes. */
const largeRows: ReadonlySet<keyof Tables> = new Set(["bodies", "outbox"] as const);
const largePageRows = 8;

export function catalogContents(context: StoreContext): CatalogContents {
  const { db, traits } = context;

  const fillIn = async (tx: Tx, from: CatalogContents, { without = [], onRows }: FillOptions) => {
    await traits.contents.seize(tx, tableNames);
    const held = await countsOf(tx);
    if (held.size > 0) throw new PlatformError("conflict", `the catalog is not empty: it holds ${countsText(held)}`);
    // The source has both itself, as it wants them.
    await tx.deleteFrom("projects").execute();
    await tx.deleteFrom("settings").execute();
    const filled: FilledTable[] = [];
    for (const table of tableNames) {
      if (without.includes(table)) continue;
      const rows = await fillTable(tx, table, from, onRows);
      if (rows > 0) filled.push({ table, rows });
    }
    for (const [table, last] of await from.numbers()) {
      if (last > 0 && !without.includes(table)) await traits.contents.continueAfter(tx, table, columnOf(table), last);
    }
    return filled;
  };

  return {
    counts: () => countsOf(db),
    pages: (table) => pagesOf(db, known(table)),

    async numbers() {
      const numbers = new Map<string, number>();
      for (const [table, column] of Object.entries(numberedTables)) {
        numbers.set(table, await traits.contents.lastNumber(db, table, column));
      }
      return numbers;
    },

    fill: (from, options = {}) => inTransaction(context, (tx) => fillIn(tx, from, options)),

    async equals(other, left = []) {
      const [own, others] = [await countsOf(db), await other.counts()];
      for (const table of tableNames.filter((name) => !left.includes(name))) {
        if ((own.get(table) ?? 0) !== (others.get(table) ?? 0)) return false;
        if ((await digestOf(pagesOf(db, table))) !== (await digestOf(other.pages(table)))) return false;
      }
      return true;
    },
  };
}

/** Answers how many rows were written, and found again. */
async function fillTable(
  tx: Tx,
  table: keyof Tables,
  from: CatalogContents,
  onRows: FillOptions["onRows"],
): Promise<number> {
  const written = new RowDigest();
  let insert: BulkInsert<typeof table> | undefined;
  for await (const page of from.pages(table)) {
    insert ??= new BulkInsert(table, Object.keys(page[0] ?? {}) as never);
    await insert.run(tx, page as never);
    written.add(page);
    onRows?.(table, written.rows);
  }
  const { rows } = written;
  if (rows === 0) return 0;
  if ((await digestOf(pagesOf(tx, table))) === written.end()) return rows;
  throw new PlatformError(
    "corrupt",
    `what was written to the table ${table} of the catalog is not what is read from it`,
  );
}

async function digestOf(pages: AsyncIterable<readonly CatalogRow[]>): Promise<string> {
  const digest = new RowDigest();
  for await (const page of pages) digest.add(page);
  return digest.end();
}

async function* pagesOf(db: QueryExecutorProvider, table: keyof Tables): AsyncGenerator<readonly CatalogRow[]> {
  const keys = tableKeys[table] as readonly string[];
  const key = sql.join(keys.map((column) => sql.ref(column)));
  const size = largeRows.has(table) ? largePageRows : pageRows;
  for (let last: CatalogRow | undefined; ; ) {
    const after =
      last === undefined ? sql`` : sql`where (${key}) > (${sql.join(keys.map((column) => last?.[column]))})`;
    const page = sql<CatalogRow>`select * from ${sql.table(table)} ${after} order by ${key} limit ${sql.lit(size)}`;
    const { rows } = await page.execute(db);
    if (rows.length > 0) yield rows;
    if (rows.length < size) return;
    last = rows.at(-1);
  }
}

async function countsOf(db: QueryExecutorProvider): Promise<Map<string, number>> {
  const counts = new Map<string, number>();
  for (const table of tableNames) {
    if (table === "settings") continue;
    const own = table === "projects" ? sql`where name <> ${defaultProject}` : sql``;
    const { rows } = await sql<{ n: number }>`select count(*) as n from ${sql.table(table)} ${own}`.execute(db);
    if (rows[0] && rows[0].n > 0) counts.set(table, rows[0].n);
  }
  return counts;
}

/** "services (3), executions (20)". */
function countsText(counts: ReadonlyMap<string, number>): string {
  return [...counts].map(([table, rows]) => `${table} (${rows})`).join(", ");
}

function columnOf(table: string): string {
  return numberedTables[table as keyof typeof numberedTables];
}

function known(table: string): keyof Tables {
  if (table in tableKeys) return table as keyof Tables;
  throw new PlatformError("invalid-input", `the catalog has no table ${table}`);
}
