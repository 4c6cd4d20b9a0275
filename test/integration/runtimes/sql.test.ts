import { existsSync, mkdirSync, rmSync, statfsSync, statSync, symlinkSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ProcessStepRunner } from "../../../src/executor/process-step-runner.ts";
import { RunRoot } from "../../../src/executor/run-root.ts";
import { systemClock } from "../../../src/foundation/clock.ts";
import type { Json, JsonObject } from "../../../src/foundation/json.ts";
import { silentLog } from "../../../src/foundation/log.ts";
import { systemRandom } from "../../../src/foundation/random.ts";
import { eventually } from "../../support/eventually.ts";
import { tempDir, tempDirForFile } from "../../support/temp-dir.ts";
import { python } from "./programs.ts";
import { runScript } from "./script-runs.ts";

const data = tempDirForFile();
let runner: ProcessStepRunner;
beforeAll(async () => {
  runner = await ProcessStepRunner.open({
    dataDirectory: data,
    slots: 2,
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
afterAll(() => runner.close());

/** Runs one file to its end; `offered`: its results for the next step. */
async function run(source: string, params: JsonObject = {}, options: Parameters<typeof runScript>[3] = {}) {
  const offered: Json[] = [];
  const host = { setResult: (value: Json) => void offered.push(value), ...options.host };
  const step = runScript(runner, { "q.sql": source }, "q.sql", { params, ...options, host });
  const result = await step.result;
  return { result, offered, logged: step.logged, stdout: step.stdout(), stderr: step.stderr() };
}

describe("an SQL script", () => {
  it("keeps its project's tables, and answers the rows of its last query", async () => {
    const first = await run(
      "create table people (name text, age integer, tags, alive, born);\ninsert into people values ({{ params.name }}, {{ params.age }}, {{ params.tags }}, {{ params.alive }}, {{ params.born }});\nselect *, typeof(age) as kind from people",
      { name: "Robert'); DROP TABLE people;--", age: 7, tags: ["a", 1], alive: true, born: null },
    );
    expect(first.result).toMatchObject({ kind: "exited", exitCode: 0 });
    const rows = [
      { name: "Robert'); DROP TABLE people;--", age: 7, tags: '["a",1]', alive: 1, born: null, kind: "integer" },
    ];
    expect(JSON.parse(first.stdout)).toEqual(rows);
    expect(first.offered).toEqual([rows]);
    expect(first.logged.map(({ message }) => message)).toContain("q.sql:2: insert: 1 row");
    const second = await run(
      "select count(*) as n from people where age in {{ params.ages | list }}",
      { ages: [7, 8] },
      { request: { slot: 1 } },
    );
    expect(second.offered).toEqual([[{ n: 1 }]]);
  });

  it("answers bytes, large numbers and equal names in a form that JSON holds", async () => {
    const { offered } = await run("select x'00ff' as b, 9007199254740993 as n, 1 as a, 2 as a, 0.5 as f");
    expect(offered).toEqual([[{ b: "AP8=", n: "9007199254740993", a: 1, a_2: 2, f: 0.5 }]]);
  });

  it("stops reading after the first 1,000 rows, and says so", async () => {
    const endless = "with recursive c(n) as (select 1 union all select n + 1 from c) select n from c";
    const { result, offered, stderr } = await run(endless);
    expect(result).toMatchObject({ kind: "exited", exitCode: 0 });
    expect((offered[0] as Json[]).length).toBe(1_000);
    expect(stderr).toContain("first 1000 rows");
  });

  it("is one transaction: what went before a failing statement is undone, and the line named", async () => {
    const failed = await run("create table half (n);\ninsert into half values (1);\n\ninsert into nowhere values (1)");
    expect([failed.result, failed.stderr]).toMatchObject([
      { exitCode: 1 },
      expect.stringMatching(/^q\.sql:4: .*nowhere/),
    ]);
    expect((await run("select name from sqlite_schema where name = 'half'")).offered).toEqual([[]]);
    const own = await run("begin; create table kept (n); commit; begin; insert into kept values (1)");
    expect(own.stderr).toContain("ends inside a transaction");
    expect((await run("select count(*) as n from kept")).offered).toEqual([[{ n: 0 }]]);
  });

  it.each(["commit", "end", "rollback", "release s"])(
    "stores nothing of a file that ends with %s what it did not begin",
    async (end) => {
      const stray = await run(`create table stray (n);\ninsert into stray values (1);\n${end}`);
      expect([stray.result, stray.stderr]).toMatchObject([
        { exitCode: 1 },
        expect.stringMatching(/^q\.sql:3: ends a transaction that the file did not begin/),
      ]);
      expect((await run("select name from sqlite_schema where name = 'stray'")).offered).toEqual([[]]);
    },
  );

  it("sees state, configuration, the event and the result of the step before", async () => {
    const source =
      "select {{ state.last }} as l, {{ config.c }} as c, {{ event.type }} as t, {{ previous | default(0) }} as p, {{ service.name }} as s";
    const { offered } = await run(source, {}, { config: { c: 2 }, host: { getState: async () => ({ last: 41 }) } });
    expect(offered).toEqual([[{ l: 41, c: 2, t: "test.happened", p: null, s: "orders" }]]);
  });

  it("takes the database that a secret names, in the file or in the manifest", async () => {
    const getSecret = async (name: string) => (name === "other" ? "sqlite:other" : undefined);
    const there = await run("-- connection: other\ncreate table only_here (n)", {}, { host: { getSecret } });
    expect(there.result).toMatchObject({ exitCode: 0 });
    const files = { "manifest.json": '{"connection":"other"}', "q.sql": "select count(*) as n from only_here" };
    const step = runScript(runner, files, "q.sql", { host: { getSecret } });
    expect([await step.result, step.stdout()]).toMatchObject([{ exitCode: 0 }, '[{"n":0}]\n']);
    const missing = await run("-- connection: nothing\nselect 1");
    expect(missing.stderr).toContain("q.sql:1: there is no secret 'nothing'");
  });
});

describe("an SQL script in a replay", () => {
  const replayOf = "0198c0de-0000-7000-8000-00000000000f";
  const count = async (table: string) => (await run(`select count(*) as n from ${table}`)).offered;
  /** Steps of one replay, each with its end; then it is over. */
  async function replay(...sources: string[]) {
    const ended = [];
    for (const source of sources) ended.push(await run(source, { n: 7 }, { replayOf }));
    await runner.forgetReplay(0);
    return ended;
  }

  it("answers as ever, and changes nothing of the database, whatever it says of transactions", async () => {
    await run("create table ledger (n integer primary key autoincrement, v)");
    await run("insert into ledger (v) values ('live')");
    const [added, own, ...others] = await replay(
      "insert into ledger (v) values ({{ params.n }}); select * from ledger order by n",
      "begin; insert into ledger (v) values ('own'); commit; begin immediate; delete from ledger where n = 1; commit; select n from ledger order by n",
      "insert into ledger (v) values ('alone')",
      "drop table ledger; create table other (n); pragma user_version = 9",
    );
    expect(added?.offered).toEqual([
      [
        { n: 1, v: "live" },
        { n: 2, v: 7 },
      ],
    ]);
    expect(added?.logged.map(({ message }) => message)).toContain("q.sql:1: insert: 1 row");
    // A step finds what the ones before it have done.
    expect(own?.offered).toEqual([[{ n: 2 }, { n: 3 }]]);
    expect(others.map(({ stderr }) => stderr)).toEqual(["", ""]);
    expect((await run("select * from ledger")).offered).toEqual([[{ n: 1, v: "live" }]]);
    expect((await run("pragma user_version")).offered).toEqual([[{ user_version: 0 }]]);
    expect((await run("select name from sqlite_schema where name = 'other'")).offered).toEqual([[]]);
    expect((await run("insert into ledger (v) values ('next') returning n")).offered).toEqual([[{ n: 2 }]]);
  });

  it("finds nothing of the replay before it, whose copy is gone", async () => {
    await run("create table again (n)");
    const add = "insert into again values (1); select count(*) as n from again";
    for (const [ended] of [await replay(add), await replay(add)]) expect(ended?.offered).toEqual([[{ n: 1 }]]);
    expect(existsSync(runner.runRoot.copiesDirectory(0))).toBe(false);
  });

  it("waits for no live run, and holds none up", async () => {
    await run("create table busy (n)");
    const live = new DatabaseSync(join(data, "sql", "shop", "main.db"));
    try {
      live.exec("begin immediate; insert into busy values (1)");
      const [ended] = await replay("insert into busy values (2); select count(*) as n from busy");
      expect(ended?.offered).toEqual([[{ n: 1 }]]);
      live.exec("commit");
    } finally {
      live.close();
    }
    const long = "with recursive c(n) as (select 1 union all select n + 1 from c) select max(n) from c";
    const replaying = run(`insert into busy values (3); ${long}`, {}, { replayOf, request: { slot: 1 } });
    await eventually(() => existsSync(runner.runRoot.copiesDirectory(1)));
    expect((await run("insert into busy values (4) returning n")).offered).toEqual([[{ n: 4 }]]);
    expect((await replaying).stderr).toContain("took longer than 3 s");
    await runner.forgetReplay(1);
    expect(await count("busy")).toEqual([[{ n: 2 }]]);
  });

  it("does so in a sandbox as well", async () => {
    await run("create table boxed (n)");
    const request = { isolation: { level: "sandbox" as const, network: false } };
    const { offered, stderr } = await run(
      "insert into boxed values (1); select n from boxed",
      {},
      { replayOf, request },
    );
    await runner.forgetReplay(0);
    expect([offered, stderr]).toEqual([[[{ n: 1 }]], ""]);
    expect(await count("boxed")).toEqual([[{ n: 0 }]]);
  });

  it("makes no database where there is none, and copies the one that its connection names", async () => {
    const named = { replayOf, host: { getSecret: async () => "sqlite:archive" } };
    const source =
      "-- connection: ARCHIVE\ncreate table if not exists filed (n); insert into filed values (1); select * from filed";
    expect((await run(source, {}, named)).offered).toEqual([[{ n: 1 }]]);
    await runner.forgetReplay(0);
    const path = join(data, "sql", "shop", "archive.db");
    expect(existsSync(path)).toBe(false);
    await run(source, {}, { host: named.host });
    expect((await run(source, {}, named)).offered).toEqual([[{ n: 1 }, { n: 1 }]]);
    await runner.forgetReplay(0);
    expect((await run(source, {}, { host: named.host })).offered).toEqual([[{ n: 1 }, { n: 1 }]]);
  });

  it("is refused where its copy would take more than half of the room that is left", async () => {
    const large = { replayOf, host: { getSecret: async () => "sqlite:large" } };
    const path = join(data, "sql", "shop", "large.db");
    const { bavail, bsize } = statfsSync(data);
    writeFileSync(path, "");
    try {
      truncateSync(path, bavail * bsize);
      const { result, stderr } = await run("-- connection: LARGE\nselect 1", {}, large);
      expect(result).toMatchObject({ kind: "exited", exitCode: 1 });
      expect(stderr).toMatch(/^q\.sql:1: a replay works on a copy of its database, which has \d+ bytes/);
    } finally {
      rmSync(path);
      await runner.forgetReplay(0);
    }
  });

  it("leaves nothing behind where the platform is killed in the middle of it", async () => {
    const directory = tempDir();
    const root = await RunRoot.open({ dataDirectory: directory, othersMustReach: false });
    await root.layCopies(3, undefined);
    writeFileSync(join(root.copiesDirectory(3), "x.db"), "");
    await RunRoot.open({ dataDirectory: directory, othersMustReach: false });
    expect(existsSync(root.copiesDirectory(3))).toBe(false);
  });

  it("sees that it is one, and of which execution", async () => {
    const source = "select {{ execution.replay }} as replay, {{ execution.original or execution.id }} as key";
    const live = await run(source);
    expect(live.offered).toEqual([[{ replay: 0, key: "0198c0de-0000-7000-8000-000000000001" }]]);
    expect((await run(source, {}, { replayOf })).offered).toEqual([[{ replay: 1, key: replayOf }]]);
    await runner.forgetReplay(0);
  });
});

describe("S4: an SQL script cannot leave its database", () => {
  it.each([
    ["attach '/tmp/x.db' as x"],
    ["  /* a */ AtTaCh database '/etc/passwd' as x"],
    ["select 1; attach ':memory:' as x"],
    ["attach {{ params.file }} as x"],
    ["detach main"],
    ["vacuum into '/tmp/fx-vacuum.db'"],
    ["vacuum main into {{ params.file }}"],
    ["select load_extension('/tmp/x')"],
    ['select "load_extension"({{ params.file }})'],
    ["select readfile('/etc/passwd')"],
    ["select writefile('/tmp/fx-write', 'x')"],
    ["select fts3_tokenizer('simple')"],
    ["pragma writable_schema = on"],
    ["pragma temp_store_directory = '/tmp'"],
    ["pragma main.journal_mode = off"],
    ["pragma hard_heap_limit = 0"],
    ["pragma database_list"],
    ["select * from pragma_database_list"],
    ["create view v as select * from pragma_database_list; select * from v"],
    ["create virtual table f using csv(filename='/etc/passwd')"],
    ["update sqlite_schema set sql = 'x'"],
    ['create table fx_dqs as select 1 as a; select "no such column" from fx_dqs'],
  ])("by %s", async (source) => {
    const { result, stdout, stderr } = await run(source, { file: "/tmp/fx-attack.db" });
    expect([result, stderr]).toMatchObject([{ kind: "exited", exitCode: 1 }, expect.stringMatching(/^q\.sql:1: ./)]);
    expect(stdout).toBe("");
    for (const path of ["/tmp/fx-vacuum.db", "/tmp/fx-write", "/tmp/fx-attack.db"])
      expect(existsSync(path)).toBe(false);
  });

  it("nor run past a statement's time, whose changes are undone", async () => {
    const source =
      "create table slow (n);\ninsert into slow\n  with recursive c(n) as (select 1 union all select n + 1 from c) select max(n) from c";
    const { result, stderr } = await run(source);
    expect(result).toMatchObject({ kind: "signalled", signal: "SIGALRM" });
    expect(stderr).toBe("q.sql:2: the statement took longer than 3 s and was ended\n");
    expect((await run("select name from sqlite_schema where name = 'slow'")).offered).toEqual([[]]);
  });

  it("nor take the machine's memory", async () => {
    const { result, stderr } = await run(
      "select hex(zeroblob(60000000)) || hex(zeroblob(60000000)) || hex(zeroblob(60000000)) as x",
    );
    expect([result, stderr]).toMatchObject([
      { kind: "exited", exitCode: 1 },
      expect.stringMatching(/too big|out of memory/),
    ]);
  });

  it("nor open the platform's files or another project's by a secret", async () => {
    await run("create table mine (n)");
    writeFileSync(join(data, "catalog.db"), "");
    const theirs = join(data, "sql", "shop", "main.db");
    const elsewhere = tempDir();
    symlinkSync(data, join(elsewhere, "way"));
    for (const url of [
      `sqlite:${join(elsewhere, "way", "catalog.db")}`,
      `sqlite:${join(data, "catalog.db")}`,
      `sqlite:${theirs}`,
      "sqlite:../shop/main",
      "sqlite:",
      "mysql://u:hidden-pw@h/d",
    ]) {
      const { result, stderr } = await run("-- connection: db\nselect 1", {}, { host: { getSecret: async () => url } });
      expect([result, stderr]).toMatchObject([{ exitCode: 1 }, expect.stringMatching(/^q\.sql:1: the secret 'db' /)]);
      expect(stderr).not.toContain("hidden-pw");
    }
  });

  it("S3: and a script of another language can neither read nor enter where databases lie", async () => {
    await run("create table if not exists mine (n)");
    const directory = join(data, "sql", "shop");
    const path = join(directory, "main.db");
    expect(existsSync(path)).toBe(true);
    const script = python.source("readFiles");
    const step = runScript(runner, { "r.py": script }, "r.py", { params: { paths: [path, directory] } });
    expect([await step.result, step.stdout()]).toMatchObject([
      { exitCode: 0 },
      `denied ${path}\ndenied ${directory}\n`,
    ]);
    if (runner.isolation.kind === "own-user") expect(statSync(directory).mode & 0o7777).toBe(0o2770);
  });

  it("S4: and one project's scripts do not see another's tables", async () => {
    await run("create table if not exists secret_of_shop (n)");
    mkdirSync(join(data, "sql", "other"), { recursive: true });
    const context = {
      event: { specversion: "1.0" as const, id: "e", source: "/t", type: "t.t" },
      params: {},
      config: {},
      previous: null,
    };
    const id = "0198c0de-0000-7000-8000-000000000001" as never;
    const { offered } = await run(
      "select name from sqlite_schema",
      {},
      {
        request: {
          context: {
            ...context,
            service: { project: "other", name: "orders", version: "v1" },
            execution: { id, attempt: 1, step: 1, script: "q.sql", replay: false, original: null },
          },
        },
      },
    );
    expect(offered).toEqual([[]]);
  });

  it("S2: has neither values nor secrets in its arguments or environment while it runs", async () => {
    const step = runScript(
      runner,
      {
        "q.sql":
          "select {{ params.p }}, max(n) from (with recursive c(n) as (select 1 union all select n + 1 from c) select n from c)",
      },
      "q.sql",
      { params: { p: "planted-value" } },
    );
    const { readdirSync, readFileSync } = await import("node:fs");
    const { eventually } = await import("../../support/eventually.ts");
    const seen = await eventually(() =>
      readdirSync("/proc")
        .filter((pid) => /^\d+$/.test(pid))
        .map((pid) => {
          try {
            return `${readFileSync(`/proc/${pid}/cmdline`)}${readFileSync(`/proc/${pid}/environ`)}`;
          } catch {
            return "";
          }
        })
        .find((text) => text.includes("sql/main.ts") && text.includes(data)),
    );
    expect(seen).not.toContain("planted-value");
    step.step.stop("cancelled", 0);
    expect(await step.result).toMatchObject({ kind: "stopped", reason: "cancelled" });
  });
});
