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
  database.exec("create table throttle_starts (project text, service text, n integer, at integer)");
  return new Kysely<Tables>({ dialect: sqliteDialect({ database, closesDatabase: false, sync: undefined }) });
}

async function openFilled(): Promise<Kysely<Tables>> {
  const db = openDatabase();
  const starts = ["a", "b", "c", "d", "e"].map((service, n) => ({ project: "default", service, n, at: 0 }));
  await db.insertInto("throttle_starts").values(starts).execute();
  return db;
}

test("each run has its own values, and those that are in the statement itself", async () => {
  const db = await openFilled();
  const between = new Statement(
    (_, from: number, to: number) => sql<{ service: string }>`
      select service from throttle_starts where n >= ${from} and service <> ${"c"} and n <= ${to} order by service`,
  );
  expect(await between.rows(context, db, 1, 3)).toEqual([{ service: "b" }, { service: "d" }]);
  expect(await between.rows(context, db, 0, 1)).toEqual([{ service: "a" }, { service: "b" }]);
});

test("it is built once for each length of a list and each set of columns, however often it is run", async () => {
  const db = await openFilled();
  let built = 0;
  const change = new Statement(({ tx }, columns: { at: number; service?: string }, services: readonly string[]) => {
    built += 1;
    return tx.updateTable("throttle_starts").set(columns).where("service", "in", services);
  });
  for (const services of [["a", "b", "c"], ["b"], ["d", "e", "a", "c"], ["c"]]) {
    const { numAffectedRows } = await change.run(context, db, { at: services.length * 10 }, padded(services));
    expect(numAffectedRows).toBe(BigInt(services.length));
  }
  await change.run(context, db, { at: 7, service: "f" }, ["b"]);
  expect(built).toBe(3);
  const changed = db.selectFrom("throttle_starts").select(["service", "at"]).orderBy("service");
  expect(await changed.execute()).toEqual([
    { service: "a", at: 40 },
    { service: "c", at: 10 },
    { service: "d", at: 40 },
    { service: "e", at: 40 },
    { service: "f", at: 7 },
  ]);
});
