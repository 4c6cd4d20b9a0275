import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ProcessStepRunner } from "../../../src/executor/process-step-runner.ts";
import { systemClock } from "../../../src/foundation/clock.ts";
import type { Json, JsonObject } from "../../../src/foundation/json.ts";
import { silentLog } from "../../../src/foundation/log.ts";
import { systemRandom } from "../../../src/foundation/random.ts";
import { type PostgresServer, startPostgres } from "../../support/postgres-server.ts";
import { tempDirForFile } from "../../support/temp-dir.ts";
import { runScript } from "./script-runs.ts";

const serverDirectory = tempDirForFile();
const data = tempDirForFile();
let server: PostgresServer;
let runner: ProcessStepRunner;
beforeAll(async () => {
  server = await startPostgres(serverDirectory);
  runner = await ProcessStepRunner.open({
    dataDirectory: data,
    slots: 1,
    reliefSlots: 0,
    warmProcesses: 1,
    aheadProcesses: 0,
    clock: systemClock,
    random: systemRandom,
    log: silentLog,
    searchPath: process.env.PATH,
    sqlStatementMs: 3_000,
  });
});
afterAll(async () => {
  await runner.close();
  await server.close();
});

async function run(source: string, params: JsonObject = {}, url = server.url) {
  const offered: Json[] = [];
  const host = { setResult: (value: Json) => void offered.push(value), getSecret: async () => url };
  const step = runScript(runner, { "q.sql": `-- connection: warehouse\n${source}` }, "q.sql", { params, host });
  return { result: await step.result, offered, logged: step.logged, stdout: step.stdout(), stderr: step.stderr() };
}

describe("S4: an SQL script on PostgreSQL", () => {
  it("binds values of every kind, whatever they hold", async () => {
    const source = `create table t (id int primary key, name text, tags jsonb, alive boolean, n bigint, price numeric, born timestamptz, raw bytea, list int[]);
insert into t values ({{ params.id }}, {{ params.name }}, {{ params.tags }}, {{ params.alive }}, 9007199254740993, {{ params.price }}, '2026-01-02 03:04:05.5+00', '\\x00ff', '{1,2}');
select *, id as id from {{ params.table | identifier }} where id in {{ params.ids | list }}`;
    const params = {
      id: 1,
      name: "'); drop table t; --",
      tags: { a: ["$1"] },
      alive: true,
      price: 1.5,
      table: "public.t",
      ids: [1, 2],
    };
    const { result, offered, logged } = await run(source, params);
    expect(result).toMatchObject({ kind: "exited", exitCode: 0 });
    const row = {
      ...{ id: 1, name: "'); drop table t; --", tags: { a: ["$1"] }, alive: true, n: "9007199254740993", price: "1.5" },
      ...{ born: "2026-01-02T03:04:05.5Z", raw: "AP8=", list: [1, 2], id_2: 1 },
    };
    expect(offered).toEqual([[row]]);
    expect(logged.map(({ message }) => message)).toContain("q.sql:3: insert: 1 row");
  });

  it("is one transaction; an error names its line, and what went before is undone", async () => {
    const failed = await run("create table half (n int);\n\nselect 1 / {{ params.zero }}::int", { zero: 0 });
    expect([failed.result, failed.stderr]).toMatchObject([{ exitCode: 1 }, "q.sql:4: division by zero\n"]);
    expect((await run("select to_regclass('half') as half")).offered).toEqual([[{ half: null }]]);
  });

  it("leaves with the server what is past the first 1,000 rows", async () => {
    const { result, offered, stderr } = await run("select generate_series(1, 50000000) as n");
    expect(result).toMatchObject({ kind: "exited", exitCode: 0 });
    expect((offered[0] as Json[]).length).toBe(1_000);
    expect(stderr).toContain("first 1000 rows");
  });

  it("takes no second statement by a value, and no placeholder of the script's own", async () => {
    const { offered } = await run("select {{ params.a }}::text as a", { a: "1; drop table t" });
    expect(offered).toEqual([[{ a: "1; drop table t" }]]);
    expect((await run("select $1")).stderr).toContain("'$1' is a placeholder that nothing fills");
    expect((await run("select $$ {{ params.a }} $$", { a: "x" })).stderr).toContain("inside quotes");
  });

  it("ends a statement that takes too long", async () => {
    const { result, stderr } = await run("select pg_sleep(60)");
    expect([result, stderr]).toMatchObject([
      { exitCode: 1 },
      "q.sql:2: canceling statement due to statement timeout\n",
    ]);
  });

  it("S1: shows no credentials when it cannot connect", async () => {
    const wrong = server.url.replace(encodeURIComponent(server.password), "wr0ng-Pass%25word");
    const nowhere = "postgres://admin:wr0ng-Pass%25word@127.0.0.1:1/db";
    for (const url of [wrong, nowhere, "postgres://admin:wr0ng-Pass%25word@[bad"]) {
      const { result, stdout, stderr } = await run("select 1", {}, url);
      expect(result).toMatchObject({ kind: "exited", exitCode: 1 });
      expect(stderr).toMatch(/^q\.sql: ./);
      expect(stdout + stderr).not.toContain("wr0ng");
    }
  });
});
