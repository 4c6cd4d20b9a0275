import { afterEach, describe, expect, it } from "vitest";
import { tempDir } from "../../support/temp-dir.ts";
import { WarmProcess } from "./warm-process.ts";

let warm: WarmProcess | undefined;
afterEach(() => warm?.close());

/** What two runs print. */
async function printed(main: string, files: Record<string, string> = {}): Promise<string[]> {
  warm = await WarmProcess.start(tempDir(), "node", { "main.mjs": main, ...files });
  const ends = [await warm.run(), await warm.run()];
  await warm.close();
  warm = undefined;
  return ends.map(({ both, code, leftovers }) => (code === 0 && leftovers.length === 0 ? both : `${code}: ${both}`));
}

describe("a module that is made to run again", () => {
  it("may export in every form there is", async () => {
    const forms = [
      "export const a = 1; console.log(a);",
      "export let { b, c: [d] } = { b: 1, c: [2] }\nconsole.log(b, d)",
      "console.log(f()); export function f() { return 1 }",
      "console.log(await g()); export async function g() { return 1 }",
      "export class A {} console.log(A.name);",
      "console.log(named()); export default function named() { return 1 }",
      "export default class Named {} console.log(Named.name);",
      "const early = 1\nexport default function () {}\n(console.log)(early)",
      "export default class { static { console.log(1) } }\n[2].forEach((n) => console.log(n))",
      "export default async () => {};\nconsole.log(1)",
      "export default console.log(1)",
      "const z = 1; export { z, z as 'other name', z as default }; console.log(z)",
      "export * from './other.mjs'; export * as ns from './other.mjs'; export { x as y } from './other.mjs'; console.log(1)",
      "#!/usr/bin/env node\nexport {};\nconsole.log(1)",
      "export {}\n// the end",
      "",
    ];
    const other = "export const x = 1; console.log('other');";
    for (const form of forms) {
      const [first = "", second] = await printed(form, { "other.mjs": other });
      expect([form, second]).toEqual([form, first.replace("other\n", "")]);
      expect(first).not.toMatch(/^\d+: /);
    }
  });

  it("may import in every form there is, and sees what others change", async () => {
    const main = `console.log(early);
import first, { count as n, increase, "a name" as named } from "./other.mjs"; import * as whole from "./other.mjs";
import {
  early
} from "./other.mjs"
import "./other.mjs"; import data from "./data.json" with { type: "json" };
const before = n; increase();
console.log(first, n - before, whole.count === n, named, data.a, this, typeof require);`;
    const other = `export let count = 0; export const increase = () => { count += 1 };
export const early = "early"; export { early as "a name" }; export default "default";`;
    const line = "early\ndefault 1 true early 5 undefined undefined\n";
    expect(await printed(main, { "other.mjs": other, "data.json": '{"a": 5}' })).toEqual([line, line]);
  });

  it("keeps lines and columns for stack traces", async () => {
    const main = `import { context } from "@streamzero/fx";
import { readFileSync,
  writeFileSync } from "node:fs";
export const where = () => new Error().stack.split("\\n")[1];
console.log(where(), new Error().stack.split("\\n")[1]);`;
    const [first, second] = await printed(main);
    expect(first).toMatch(/where \(file:.*main\.mjs:4:28\) +at .*main\.mjs:5:22\)?\n$/);
    expect(second).toBe(first);
  });

  it("has names of its own kept apart from those of the platform", async () => {
    expect(
      await printed(
        `import { context as $fx } from "@streamzero/fx"; const $fx_ = 1; console.log($fx.execution.id, $fx_);`,
      ),
    ).toEqual(["x1 1\n", "x2 1\n"]);
  });

  it("is refused like any other for an import that is not there", async () => {
    const [first] = await printed(`import { contxt } from "@streamzero/fx";`);
    expect(first).toMatch(/^1: [\s\S]*does not provide an export named 'contxt'/);
  });

  it("is told like any other where it cannot be read", async () => {
    const [first] = await printed("\nconst = 1;\nexport {};");
    expect(first).toMatch(/^1: [\s\S]*SyntaxError: /);
  });

  it("may be imported by its own modules, as one that runs once", async () => {
    const main = `import { later } from "./other.mjs"; export const own = 1; console.log("runs", later?.());`;
    const other = `export const later = async () => (await import("./main.mjs")).own; `;
    const [first, second] = await printed(main, { "other.mjs": other });
    expect([first, second]).toEqual([
      "runs Promise { <pending> }\nruns Promise { <pending> }\n",
      "runs Promise { <pending> }\n",
    ]);
  });

  it("is a module by its package, its ending or its text", async () => {
    const esm = `import { sep } from "node:path"; console.log(sep);`;
    for (const files of [
      { "main.js": esm },
      { "main.js": esm, "package.json": '{"type": "module"}' },
      { "main.ts": `import { sep } from "node:path"; const s: string = sep; console.log(s);` },
      { "main.js": `console.log(require("node:path").sep)` },
      { "main.js": `console.log(require("node:path").sep)`, "package.json": '{"type": "commonjs"}' },
      { "main.js": `console.log(await "/")` },
    ]) {
      const service = await WarmProcess.start(tempDir(), "node", files);
      const ends = [await service.run(), await service.run()];
      await service.close();
      expect(ends.map(({ both }) => both)).toEqual(["/\n", "/\n"]);
    }
  });
});
