import { existsSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { expect, test } from "vitest";
import { fx, fxJson, startFx } from "../../support/cli.ts";
import { eventually } from "../../support/eventually.ts";
import { postgresForFile } from "../../support/postgres-catalog.ts";
import { tempDir } from "../../support/temp-dir.ts";

const postgres = postgresForFile();

interface Migrated {
  from: string | null;
  to: string;
  missing: string[];
}

test("a check of a new database changes nothing and fails; migrate makes the schema; then a check finds it current", async () => {
  const url = await postgres.newDatabase();
  const options = { directory: tempDir(), environment: { FX_CATALOG_DRIVER: "postgres", FX_CATALOG_URL: url } };
  const check = await fx(["migrate", "--check"], options);
  expect(check).toMatchObject({ code: 1, out: expect.stringContaining("is at nothing; ") });
  expect(check.talk).toContain("fix: fx migrate");
  expect(await postgres.query("select 1 from pg_tables where schemaname = 'public'", url)).toEqual([]);
  const { from, to, missing } = await fxJson<Migrated>(["migrate"], options);
  expect([from, missing.at(-1)]).toEqual([null, to]);
  expect(await fx(["migrate", "--check"], options)).toMatchObject({
    code: 0,
    out: expect.stringContaining(`is at ${to}`),
  });
  expect(existsSync(join(options.directory, ".fx"))).toBe(false);
});

test("a start that may not migrate refuses an old schema with the command to run, and starts once that was done", async () => {
  const directory = tempDir();
  const start = ["start", "--port", "0", "--log-level", "warn", "--catalog-migrate", "false"];
  const refused = await fx(start, { directory });
  expect(refused).toMatchObject({ code: 1, talk: expect.stringContaining("Run fx migrate") });
  const migrated = await fx(["migrate"], { directory });
  expect(migrated).toMatchObject({
    code: 0,
    out: expect.stringMatching(/went from nothing to \S+: \d+ migrations\n$/),
  });
  const platform = startFx(start, { directory });
  await eventually(() => expect(platform.out).toContain("FX is ready at"), { withinMs: 20_000 });
  // An embedded catalog in use is its platform's.
  expect(await fx(["migrate"], { directory })).toMatchObject({
    code: 1,
    talk: expect.stringContaining("is in use by"),
  });
});

test("a schema of a newer release is refused by name: by migrate, by a check and by the start", async () => {
  const directory = tempDir();
  await fx(["migrate"], { directory });
  const database = new DatabaseSync(join(directory, ".fx/catalog.db"));
  database.exec("insert into kysely_migration (name, timestamp) values ('9999-from-the-future', '2100-01-01')");
  database.close();
  for (const words of [["migrate"], ["migrate", "--check"], ["start", "--port", "0"]]) {
    const refused = await fx(words, { directory });
    expect(refused.code).toBe(1);
    expect(refused.talk).toMatch(/schema is of a newer release: it has 9999-from-the-future/);
  }
});
