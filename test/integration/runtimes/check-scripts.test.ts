import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { checkingRegistry, checkScripts } from "../../../src/executor/runtimes/registry.ts";
import type { JavaScriptRuntime } from "../../../src/services/manifest.ts";
import { tempDir } from "../../support/temp-dir.ts";

async function problemsOf(files: Record<string, string>, javascript?: JavaScriptRuntime): Promise<[string, string][]> {
  const directory = tempDir();
  for (const [name, content] of Object.entries(files)) writeFileSync(join(directory, name), content);
  const problems = await checkScripts(
    directory,
    Object.keys(files).filter((name) => name !== "package.json"),
    { javascript },
  );
  return problems.map(({ path, message }) => [path, message]);
}

describe("the check of a deploy", () => {
  it.each(["node", "bun"] as const)("finds nothing wrong with scripts that run, on %s", async (javascript) => {
    const files = {
      "a.py": "import nothing_there\nprint(1 / 0)\n",
      "b.mjs": "import { x } from 'nothing-there';\nawait x;\nexport const y = 1;\n",
      "c.cjs": "#!/usr/bin/env node\nconst x = require('nothing-there');\nreturn;\n",
      "d.ts":
        "import type { X } from './x.ts';\nconst n: number = await 1;\ninterface A { b?: string }\nconsole.log(n as unknown);\n",
      "e.js": "import fs from 'node:fs';\nawait fs;\n",
      "f.js": "const fs = require('node:fs');\nmodule.exports = fs;\n",
      "g.cts": "const n: number = 1;\nexports.n = n;\n",
    };
    const found = await problemsOf(files, javascript);
    expect(found).toEqual([]);
  });

  it.each(["node", "bun"] as const)("says file and line of every syntax error, on %s", async (javascript) => {
    const files = {
      "a.py": "x = 1\ndef f(:\n",
      "b.mjs": "const a = 1;\n\nconst a = 2;\n",
      "c.cjs": "function f() {}\n\n)\n",
      "d.ts": "const a: number = 1;\nconst b: = 2;\n",
      "e.js": "import fs from 'node:fs';\nlet fs = 1;\n",
    };
    const found = await problemsOf(files, javascript);
    expect(found.map(([path]) => path)).toEqual(["a.py:2", "b.mjs:3", "c.cjs:3", "d.ts:2", "e.js:2"]);
    for (const [, message] of found) expect(message).toMatch(/Error: ./);
  });

  it("refuses TypeScript that cannot be erased for Node, and says what that is; Bun takes it", async () => {
    const files = { "a.ts": "const x = 1;\nenum Colour { Red }\n" };
    expect(await problemsOf(files, "node")).toEqual([["a.ts:2", expect.stringContaining("enum")]]);
    expect(await problemsOf(files, "bun")).toEqual([]);
  });

  it("runs no macro of a script", async () => {
    const planted = join(tempDir(), "ran");
    const write = `require("node:fs").writeFileSync(${JSON.stringify(planted)}, "");`;
    const found = await problemsOf({
      "a.ts": 'import { m } from "./macro.ts" with { type: "macro" };\nconsole.log(m());\n',
      "macro.ts": `export function m() { ${write} }\n`,
    });
    expect(found).toEqual([["a.ts:1", expect.any(String)]]);
    expect(existsSync(planted)).toBe(false);
  });

  it("says where Bun is missing which scripts want it, and what would run them", async () => {
    const registry = checkingRegistry({ bun: "/nowhere/bun" });
    const problems = await registry.checkScripts(tempDir(), ["a.ts", "b.js"], { javascript: "bun" });
    expect(problems.map(({ path }) => path)).toEqual(["a.ts", "b.js"]);
    expect(problems[0]?.message).toMatch(/\/nowhere\/bun.*executor\.bun.*"runtime": "node"/);
  });

  it("reads a .js file for Node as its package.json says", async () => {
    const source = "const x = require('x');\nexport const y = x;\n";
    expect(await problemsOf({ "package.json": '{"type":"commonjs"}', "a.js": source }, "node")).toEqual([
      ["a.js:2", expect.any(String)],
    ]);
    expect(await problemsOf({ "package.json": '{"type":"module"}', "a.js": source }, "node")).toEqual([]);
  });

  it("reports what cannot even be read as a program", async () => {
    const found = await problemsOf({ "a.py": "x = '\0'\n", "b.py": `${"(".repeat(100_000)}` });
    expect(found.map(([path]) => path.split(":")[0])).toEqual(["a.py", "b.py"]);
  });

  it("names the endings that run when one does not", async () => {
    const [problem] = await problemsOf({ "query.rb": "puts 1" });
    expect(problem).toEqual(["query.rb", expect.stringMatching(/'\.rb'.*\.py .*\.ts.*\.sql .*\.sh/)]);
  });

  it("S4: says where an SQL template cannot be read, or does what no script may", async () => {
    const found = await problemsOf({
      "a.sql":
        "select {{ params.n }} as n;\n-- it's fine\nselect '{' || '{}' as t from x where a in {{ params.ids | list }}",
      "b.sql": "select 1\n{% if params.x %}\nwhere 1",
      "c.sql": "select 1;\n\nselect {{ params.a b }}",
      "d.sql": "select 1;\nAtTaCh /* x */ 'y' as z",
      "e.sql": "select\n'{{ params.name }}'",
      "f.sql": "{% macro m() %}x{% endmacro %}",
      "g.sql": "select 1;\n pragma writable_schema = on",
      "h.sql": "-- connection: warehouse\npragma is.not.there",
      "i.sql": "select {{ params.x | safe }}",
      "j.sql": "select 'open",
      "k.sql": "create table t (n);\ncommit",
      "l.sql": "create table t (n);\nbegin; insert into t values (1); commit",
    });
    const places = found.map(([path]) => path);
    expect(places).toEqual([
      "b.sql:2",
      "c.sql:3",
      "d.sql:2",
      "e.sql:2",
      "f.sql:1",
      "g.sql:2",
      "i.sql:1",
      "j.sql:1",
      "k.sql:2",
    ]);
    expect(found.map(([, message]) => message).join("\n")).toMatch(
      /if.*not closed\n.*cannot be read.*\nATTACH is refused.*\n.*inside quotes.*\nmacros.*\nPRAGMA writable_schema is refused.*\nthere is no filter 'safe'.*\na quote is not closed/,
    );
  });

  it("says what SQLite cannot read of an SQL script, and nothing of what depends on its tables or its branches", async () => {
    const found = await problemsOf({
      "a.sql": "select 1;\nselec * from t",
      "b.sql": "insert into absent (a) values ({{ params.a }})\n  returning (a",
      "c.sql": "select absent(a) from missing where b = {{ params.b }}",
      "d.sql": "select 1 {% if params.x %} + 1 {% else %} + 2 from {% endif %}",
      "e.sql": "select * from {{ params.t | identifier }} where a in {{ params.ids|list }}",
      "f.sql": "-- connection: warehouse\nselect 1::int8",
      "g.sql": "select 1::int8",
    });
    expect(found).toEqual([
      ["a.sql:2", 'near "selec": syntax error'],
      ["b.sql:1", "incomplete input"],
      ["g.sql:1", 'unrecognized token: ":"'],
    ]);
  });

  it("says file and line of a shell script's syntax error, and which first lines there may be", async () => {
    const found = await problemsOf({
      "a.sh": "echo ok\n",
      "b.sh": "#!/usr/bin/env bash\n[[ a == a ]] && x=(1 2) && echo $x\n",
      "c.sh": "#!/bin/sh -e\nif true\necho\n",
      "d.sh": "#!/bin/bash\necho\nfor x in 1; done\n",
      "e.sh": "#!/usr/bin/zsh\necho\n",
      "f.sh": "#!/usr/bin/env -S python3\n",
      "g.sh": "if true; then\r\n  echo ok\r\nfi\r\n",
    });
    expect(found.map(([path]) => path.split(":")[0])).toEqual(["c.sh", "d.sh", "e.sh", "f.sh", "g.sh"]);
    expect(found.map(([path]) => path).slice(1)).toEqual(["d.sh:3", "e.sh:1", "f.sh:1", "g.sh:1"]);
    expect(found.at(-1)?.[1]).toContain("CRLF");
    expect(found.map(([, message]) => message).join("\n")).toMatch(
      /yntax error.*\n.*syntax error.*\n.*zsh.*#!\/bin\/bash/,
    );
  });

  it("finds the interpreters of this machine", async () => {
    const found = await checkingRegistry({ searchPath: process.env.PATH }).probe();
    expect(found).toMatchObject({
      python: { available: true, version: expect.stringMatching(/^3\./) },
      node: { available: true, version: process.versions.node },
      bun: { available: true, version: expect.stringMatching(/^1\./) },
      sql: { available: true, version: expect.stringContaining("SQLite 3.") },
      shell: { available: true, version: expect.stringContaining("bash") },
    });
  });

  it("says what to do where there is no Python", async () => {
    const { python } = await checkingRegistry({ python: "/nowhere/python3" }).probe();
    expect(python).toEqual({
      available: false,
      reason: expect.stringContaining("/nowhere/python3"),
      fix: expect.stringContaining("Install Python"),
    });
  });
});
