import { DatabaseSync } from "node:sqlite";
import { Kysely, sql } from "kysely";
import { expect, onTestFinished, test } from "vitest";
import { sqliteDialect, sqliteTraits } from "../../../src/catalog/dialects/sqlite.ts";
import { padded } from "../../../src/catalog/kysely/bulk-insert.ts";
import { Statement } from "../../../src/catalog/kysely/statement.ts";
import type { Tables } from "../../../src/catalog/kysely/tables.ts";

const context = { traits: sqliteTraits };

function openDatabase(): Kysely<Tables> {
  const database = new DatabaseSync(":memory:");
  onTestFinished(() => database.close());
  database.exec("create table settings (name text primary key, value integer not null)");
  return new Kysely<Tables>({ dialect: sqliteDialect({ database, closesDatabase: false, sync: undefined }) });
}

async function openFilled(): Promise<Kysely<Tables>> {
  const db = openDatabase();
  const names = ["a", "b", "c", "d", "e"];
  const values = names.map((name, value) => ({ name, value }));
  await db.insertInto("settings").values(values).execute();
  return db;
}

test("each run has its own values, and those that are in the statement itself", async () => {
  const db = await openFilled();
  const between = new Statement(
    (_, from: number, to: number) =>
      sql<{
        name: string;
      }>`select name from settings where value >= ${from} and name <> ${"c"} and value <= ${to} order by name`,
  );
  expect(await between.rows(context, db, 1, 3)).toEqual([{ name: "b" }, { name: "d" }]);
  expect(await between.rows(context, db, 0, 1)).toEqual([{ name: "a" }, { name: "b" }]);
});

test("it is built once for each length of a list and each set of columns, however often it is run", async () => {
  const db = await openFilled();
  let built = 0;
  const change = new Statement(({ tx }, columns: { value: number; name?: string }, names: readonly string[]) => {
    built += 1;
    return tx.updateTable("settings").set(columns).where("name", "in", names);
  });
  for (const names of [["a", "b", "c"], ["b"], ["d", "e", "a", "c"], ["c"]]) {
    const { numAffectedRows } = await change.run(context, db, { value: names.length * 10 }, padded(names));
    expect(numAffectedRows).toBe(BigInt(names.length));
  }
  await change.run(context, db, { value: 7, name: "f" }, ["b"]);
  expect(built).toBe(3);
  expect(await db.selectFrom("settings").selectAll().orderBy("name").execute()).toEqual([
    { name: "a", value: 40 },
    { name: "c", value: 10 },
    { name: "d", value: 40 },
    { name: "e", value: 40 },
    { name: "f", value: 7 },
  ]);
});
