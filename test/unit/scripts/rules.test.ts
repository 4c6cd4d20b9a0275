import { execFile } from "node:child_process";
import { cpSync, mkdirSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { resolveTarget } from "../../../scripts/setup/run-target.mjs";
import { tempDir, tempDirForFile } from "../../support/temp-dir.ts";

const root = fileURLToPath(new URL("../../..", import.meta.url));

/** A tree under the repository's own rules, with these files planted. */
function plant(files: Record<string, string>, tree: string): void {
  for (const rules of ["biome.json", ".gitignore", ".dependency-cruiser.mjs", "tsconfig.json", "scripts/check"]) {
    cpSync(join(root, rules), join(tree, rules), { recursive: true });
  }
  writeFileSync(join(tree, "package.json"), JSON.stringify({ name: "planted", type: "module" }));
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(tree, name)), { recursive: true });
    writeFileSync(join(tree, name), text);
  }
}

async function run(tree: string, bin: string, ...args: string[]): Promise<{ code: number; stdout: string }> {
  return promisify(execFile)(process.execPath, [resolveTarget(root, `@${bin}`), ...args], { cwd: tree }).then(
    ({ stdout }) => ({ code: 0, stdout }),
    (error: { code: number; stdout: string }) => ({ code: error.code, stdout: error.stdout }),
  );
}

/** One statement a file, each a way around the clock, the random numbers or the ids of the foundation. */
const forbiddenEffects = [
  "export const x = Date.now();",
  "export const x = new Date();",
  "export const x = Date();",
  "export const x = Math.random();",
  "export const x = performance.now();",
  "export const x = process.hrtime();",
  "export const x = crypto.randomUUID();",
  "setTimeout(() => {}, 1);",
  "setInterval(() => {}, 1);",
  "setImmediate(() => {});",
  "globalThis.setTimeout(() => {}, 1);",
  'import { setTimeout as wait } from "node:timers/promises";\nawait wait(1);',
  'import { randomBytes } from "node:crypto";\nexport const x = randomBytes(8);',
  'import * as ours from "node:crypto";\nexport const x = ours.randomUUID();',
  'import { v7 } from "uuid";\nexport const x = v7();',
];

const forbiddenEnvironment = [
  "export const x = process.env.HOME;",
  'export const x = process["env"];',
  "const { env } = process;\nexport const x = env;",
];

const numbered = (folder: string, texts: string[]) =>
  Object.fromEntries(texts.map((text, index) => [`src/${folder}/planted-${index}.ts`, `${text}\n`]));

async function lintErrors(files: Record<string, string>): Promise<string[]> {
  const tree = tempDir();
  plant(files, tree);
  const { stdout } = await run(tree, "biome", "lint", "--max-diagnostics=none", "--reporter=json", "src");
  const { diagnostics } = JSON.parse(stdout) as {
    diagnostics: { severity: string; location: { path: string | { file: string } } }[];
  };
  const errors = diagnostics.filter(({ severity }) => severity === "error" || severity === "fatal");
  return [...new Set(errors.map(({ location: { path } }) => (typeof path === "string" ? path : path.file)))].sort();
}

test("time, timers, randomness and ids are refused in every part, each way in", async () => {
  const files = numbered("router", forbiddenEffects);
  expect(await lintErrors(files)).toEqual(Object.keys(files).sort());
});

test("the environment is refused everywhere but in the configuration", async () => {
  const files = { ...numbered("router", forbiddenEnvironment), ...numbered("cli", forbiddenEnvironment) };
  expect(await lintErrors({ ...files, ...numbered("config", forbiddenEnvironment) })).toEqual(
    Object.keys(files).sort(),
  );
});

test("the foundation, the CLI, the launcher and worker entries may use the machine's own clock", async () => {
  const clock = "export const x = Date.now();\n";
  const files = {
    "src/foundation/clock.ts": clock,
    "src/cli/start.ts": clock,
    "src/executor/launcher/main.ts": clock,
    "src/ops-data/sqlite-worker.ts": clock,
    "src/router/with-a-date.ts": "export const x = new Date(0);\n",
  };
  expect(await lintErrors(files)).toEqual([]);
});

/** File, what it imports, and the rule that must refuse it. */
const forbiddenImports: [file: string, imports: string, rule: string][] = [
  ["foundation/a.ts", "../events/event.ts", "foundation-imports"],
  ["events/a.ts", "../executions/execution.ts", "events-imports"],
  ["executions/a.ts", "../bus/bus.ts", "executions-imports"],
  ["bus/bus.ts", "../ops-data/ops-data.ts", "single-port-imports"],
  ["bus/bus.ts", "../catalog/links.ts", "single-port-imports"],
  ["bus/bus.ts", "./sqlite.ts", "port-without-driver"],
  ["catalog/links.ts", "../bus/bus.ts", "catalog-port-imports"],
  ["catalog/links.ts", "./kysely/sql-links.ts", "port-without-driver"],
  ["bus/sqlite.ts", "../config-store/config-store.ts", "bus-driver-imports"],
  ["catalog/kysely/sql-links.ts", "../../bus/sqlite.ts", "catalog-driver-imports"],
  ["router/a.ts", "../executor/executor.ts", "router-imports"],
  ["router/a.ts", "../bus/sqlite.ts", "drivers-only-from-platform"],
  ["scheduler/a.ts", "../catalog/sqlite.ts", "drivers-only-from-platform"],
  ["executor/executor.ts", "../scheduler/scheduler.ts", "executor-imports"],
  ["recovery/a.ts", "../router/router.ts", "recovery-imports"],
  ["manager/api/a.ts", "../../catalog/kysely/sql-links.ts", "drivers-only-from-platform"],
  ["manager/api/a.ts", "../../platform/compose.ts", "platform-only-from-cli"],
  ["config/a.ts", "../bus/sqlite.ts", "drivers-only-from-platform"],
  ["cli/a.ts", "../router/router.ts", "cli-imports"],
  ["elsewhere/a.ts", "../foundation/clock.ts", "unruled-folder"],
  ["router/a.ts", "../../test/support/x.ts", "src-stands-alone"],
  ["router/a.ts", "./absent.ts", "resolvable"],
  ["../sdk/typescript/a.ts", "../../src/events/event.ts", "sdk-and-ui-stand-alone"],
  ["router/a.ts", "node:sqlite", "only-here-node-sqlite"],
];

/** The tree that the table is planted into: what each import leads to, and nothing refused. */
const innocent: Record<string, string> = Object.fromEntries(
  [
    "src/foundation/clock.ts",
    "src/events/event.ts",
    "src/executions/execution.ts",
    "src/bus/bus.ts",
    "src/bus/sqlite.ts",
    "src/ops-data/ops-data.ts",
    "src/config-store/config-store.ts",
    "src/catalog/links.ts",
    "src/catalog/sqlite.ts",
    "src/catalog/kysely/sql-links.ts",
    "src/executor/executor.ts",
    "src/scheduler/scheduler.ts",
    "src/router/router.ts",
    "src/platform/compose.ts",
    "test/support/x.ts",
    "sdk/typescript/index.ts",
  ].map((file) => [file, "export const here = 1;\n"]),
);

/** What the import rules find in the innocent tree with these files planted, as `rule from → to`. */
async function refusals(files: Record<string, string>, tree = tempDir()): Promise<{ code: number; found: string[] }> {
  plant({ ...innocent, ...files }, tree);
  const args = ["--config", ".dependency-cruiser.mjs", "-T", "err-long", "src", "sdk", "test"];
  const { stdout, code } = await run(tree, "depcruise", ...args);
  const lines = stdout.matchAll(/error (\S+): (\S+)(?: → (\S+))?/g);
  return { code, found: [...lines].map(([, rule, from, to]) => `${rule} ${from} → ${to}`) };
}

/** As few trees as have room for all: no file can be planted twice into one. */
function treesFor(imports: typeof forbiddenImports): Record<string, string>[] {
  const trees: Record<string, string>[] = [];
  for (const [file, target] of imports) {
    const planted = join("src", file);
    const text = `export * from "${target}";\n`;
    const tree = trees.find((files) => !(planted in files));
    if (tree) tree[planted] = text;
    else trees.push({ [planted]: text });
  }
  return trees;
}

const plantedRefusals = Promise.all(treesFor(forbiddenImports).map((files) => refusals(files, tempDirForFile())));

test.each(forbiddenImports)("src/%s must not import %s: %s", async (file, imports, rule) => {
  const found = (await plantedRefusals).flatMap((each) => each.found);
  const mine = found.filter((line) => line.startsWith(`${rule} ${join("src", file)} → `));
  expect(mine).toContainEqual(expect.stringMatching(new RegExp(`${basename(imports).replace("node:", "")}$`)));
});

test("two files that import each other are refused, though only for a type", async () => {
  const { found } = await refusals({
    "src/events/one.ts": 'import type { Two } from "./two.ts";\nexport type One = Two[];\n',
    "src/events/two.ts": 'import type { One } from "./one.ts";\nexport type Two = One[];\n',
  });
  expect(found).toContainEqual(expect.stringMatching(/^no-circular src\/events\/(one|two)\.ts/));
});

test("what the table allows passes", async () => {
  const { code, found } = await refusals({
    "src/executions/a.ts": 'export * from "../events/event.ts";\n',
    "src/bus/bus.ts": 'export * from "../events/event.ts";\n',
    "src/bus/sqlite.ts": 'import "node:sqlite";\nimport "../foundation/clock.ts";\nexport * from "./bus.ts";\n',
    "src/catalog/kysely/sql-links.ts": 'export * from "../links.ts";\n',
    "src/catalog/sqlite.ts": 'import "node:sqlite";\nexport * from "./kysely/sql-links.ts";\n',
    "src/router/router.ts": 'export * from "../bus/bus.ts";\nimport "../catalog/links.ts";\n',
    "src/platform/compose.ts": 'import "../bus/sqlite.ts";\nexport * from "../router/router.ts";\n',
    "src/cli/main.ts": 'export * from "../platform/compose.ts";\n',
    "test/router.test.ts": 'import "../src/router/router.ts";\nimport "../src/bus/sqlite.ts";\n',
  });
  expect({ code, found }).toEqual({ code: 0, found: [] });
});
