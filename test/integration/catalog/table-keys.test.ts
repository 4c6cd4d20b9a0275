import { DatabaseSync } from "node:sqlite";
import { expect, onTestFinished, test } from "vitest";
import { numberedTables, tableKeys, tableNames } from "../../../src/catalog/kysely/table-keys.ts";
import { openSqliteCatalog } from "../../../src/catalog/sqlite.ts";
import { systemClock } from "../../../src/foundation/clock.ts";
import { createIds } from "../../../src/foundation/ids.ts";
import { silentLog } from "../../../src/foundation/log.ts";
import { systemRandom } from "../../../src/foundation/random.ts";

test("every table of the schema is told with its key, after those that it refers to", async () => {
  const database = new DatabaseSync(":memory:");
  onTestFinished(() => database.close());
  const ids = createIds(systemClock, systemRandom);
  await openSqliteCatalog({ database, clock: systemClock, ids, log: silentLog });
  const tables = database
    .prepare("select name, sql from sqlite_schema where type = 'table' and name not like 'sqlite%'")
    .all() as { name: string; sql: string }[];
  const ours = tables.filter(({ name }) => !name.startsWith("kysely"));
  expect(ours.map(({ name }) => name).sort()).toEqual([...tableNames].sort());
  for (const { name, sql } of ours) {
    const columns = database
      .prepare(`select name, pk from pragma_table_info('${name}') where pk > 0 order by pk`)
      .all();
    expect(
      columns.map((column) => column.name),
      name,
    ).toEqual(tableKeys[name as keyof typeof tableKeys]);
    expect(/autoincrement/i.test(sql), name).toBe(name in numberedTables);
    for (const { table } of database.prepare(`select "table" from pragma_foreign_key_list('${name}')`).all()) {
      expect(tableNames.indexOf(table as never)).toBeLessThan(tableNames.indexOf(name as never));
    }
  }
});
