import pg from "pg";
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

async function run(source: string, params: JsonObject = {}, url = server.url, replayOf?: string) {
  const offered: Json[] = [];
  const host = { setResult: (value: Json) => void offered.push(value), getSecret: async () => url };
  const step = runScript(runner, { "q.sql": `-- connection: warehouse\n${source}` }, "q.sql", {
    params,
    host,
    replayOf,
  });
  return { result: await step.result, offered, logged: step.logged, stdout: step.stdout(), stderr: step.stderr() };
}

const replay = (source: string, params: JsonObject = {}) => run(source, params, server.url, "x-1");

describe("an SQL script on PostgreSQL in a replay", () => {
  let client: pg.Client;
  beforeAll(async () => {
    client = new pg.Client(server.url);
    await client.connect();
    await client.query("create table account (id serial primary key, amount int check (amount < 1000))");
    await client.query("insert into account (amount) values (1)");
  });
  afterAll(() => client.end());
  const amounts = async () => (await client.query("select amount from account order by id")).rows;

  it("answers as ever, and all that it did is rolled back, tables and notifications too", async () => {
    const heard: string[] = [];
    client.on("notification", ({ payload }) => heard.push(payload ?? ""));
    await client.query("listen told");
    const source = `create table made (n int);
insert into account (amount) values ({{ params.n }});
select pg_notify('told', 'by the replay');
notify told, 'by the replay';
select amount from account order by amount`;
    const { result, offered, logged, stderr } = await replay(source, { n: 7 });
    expect([result, stderr]).toMatchObject([{ kind: "exited", exitCode: 0 }, ""]);
    expect(offered).toEqual([[{ amount: 1 }, { amount: 7 }]]);
    expect(logged.map(({ message }) => message)).toContain("q.sql:3: insert: 1 row");
    expect((await replay("insert into account (amount) values (8)")).result).toMatchObject({ exitCode: 0 });
    expect(await amounts()).toEqual([{ amount: 1 }]);
    await client.query("notify told, 'after it'");
    expect(heard).toEqual(["after it"]);
    expect((await client.query("select to_regclass('made') as made")).rows).toEqual([{ made: null }]);
  });

  it("waits for locks of live runs for five seconds, since others wait behind it", async () => {
    expect((await replay("show lock_timeout")).offered).toEqual([[{ lock_timeout: "5s" }]]);
    expect((await run("show lock_timeout")).offered).toEqual([[{ lock_timeout: "0" }]]);
  });

  it("fails where it failed, also over what a commit would have checked", async () => {
    const failed = await replay("insert into account (amount) values (5);\ninsert into account (amount) values (5000)");
    expect(failed.stderr).toMatch(/^q\.sql:3: .*account_amount_check/);
    const deferred = `create table parent (id int primary key);
create table child (parent int references parent deferrable initially deferred);
insert into child values (1)`;
    const [live, again] = [await run(deferred), await replay(deferred)];
    expect(live.stderr).toMatch(/^q\.sql: .*child_parent_fkey/);
    expect(again.stderr).toBe(live.stderr);
  });

  it.each([
    ["begin; insert into account (amount) values (2); commit", /BEGIN is refused in a replay/],
    ["savepoint a; insert into account (amount) values (2); release a", /SAVEPOINT is refused in a replay/],
    ["insert into account (amount) values (2); commit", /ends a transaction that the file did not begin/],
    ["/* a */ COMMIT", /ends a transaction that the file did not begin/],
    ["prepare transaction 'x'", /ends a transaction that the file did not begin/],
    ["select setval('account_id_seq', 900)", /setval is refused in a replay: what it does cannot be rolled back/],
    ["do $$ begin perform setval('account_id_seq', 900); end $$", /setval is refused in a replay/],
    ["select dblink_exec('host=/tmp', 'delete from account')", /dblink_exec is refused in a replay/],
    ["copy account to '/tmp/fx-copied'", /COPY to a file or a program is refused in a replay/],
    ["copy account (amount) to program 'cat'", /COPY to a file or a program is refused in a replay/],
    ["vacuum account", /VACUUM cannot run inside a transaction block: a replay runs the whole file in a transaction/],
    ["create index concurrently i on account (amount)", /cannot run inside a transaction block: a replay/],
    ["create database other", /cannot run inside a transaction block: a replay/],
    ["alter system set work_mem = '64MB'", /cannot run inside a transaction block: a replay/],
    [
      "do $$ begin insert into account (amount) values (2); commit; end $$",
      /invalid transaction termination: a replay/,
    ],
  ])("refuses what it could not take back: %s", async (source, message) => {
    const { result, stderr } = await replay(source);
    expect(result).toMatchObject({ kind: "exited", exitCode: 1 });
    expect(stderr).toMatch(message);
    expect(await amounts()).toEqual([{ amount: 1 }]);
    expect((await client.query("select last_value < 900 as kept from account_id_seq")).rows).toEqual([{ kept: true }]);
  });
});

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
