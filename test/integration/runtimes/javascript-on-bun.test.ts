import { rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { ProcessStepRunner } from "../../../src/executor/process-step-runner.ts";
import { tempDirForFile } from "../../support/temp-dir.ts";
import { openRunner, runScript } from "./script-runs.ts";

const data = tempDirForFile();
let runner: ProcessStepRunner;
beforeAll(async () => {
  runner = await openRunner(data);
});
afterAll(() => runner.close());

function run(files: Record<string, string>, options: Parameters<typeof runScript>[3] = {}) {
  const [script = ""] = Object.keys(files);
  return runScript(runner, files, script, { ...options, request: { runtime: "bun", ...options.request } });
}

describe("a script on Bun", () => {
  it("is on Bun unless its manifest says Node", async () => {
    const source = `console.log(process.versions.bun === undefined ? "node" : "bun");`;
    const asked = async (runtime: "bun" | "node" | undefined) => {
      const { result, stdout } = run({ "main.ts": source }, { request: { runtime } });
      await result;
      return stdout();
    };
    expect([await asked(undefined), await asked("bun"), await asked("node")]).toEqual(["bun\n", "bun\n", "node\n"]);
  });

  it("may have enums, namespaces and parameter properties", async () => {
    const { result, stdout, stderr } = run({
      "main.ts": `enum Colour { Red = "red" }
namespace Paint { export const colour: Colour = Colour.Red; }
class Pot { constructor(readonly colour: Colour) {} }
console.log(new Pot(Paint.colour).colour);`,
    });
    expect([await result, stderr()]).toEqual([expect.objectContaining({ kind: "exited", exitCode: 0 }), ""]);
    expect(stdout()).toBe("red\n");
  });

  it("is changed neither by .env and bunfig.toml of its service nor by a tsconfig.json above it", async () => {
    const above = join(dirname(dirname(runner.runRoot.versionDirectory("v" as never))), "tsconfig.json");
    writeFileSync(above, JSON.stringify({ compilerOptions: { paths: { outside: ["./outside.ts"] } } }));
    const { result, stdout, stderr } = run({
      "main.ts": `console.log(process.env.PLANTED, globalThis.planted);
await import("outside" as string).catch((error) => console.log(error.code));`,
      ".env": "PLANTED=env\n",
      "bunfig.toml": 'preload = ["./planted.ts"]\n',
      "planted.ts": "globalThis.planted = 'preload';\n",
    });
    const ended = await result;
    rmSync(above);
    expect([ended, stderr()]).toEqual([expect.objectContaining({ kind: "exited", exitCode: 0 }), ""]);
    expect(stdout()).toBe("undefined undefined\nERR_MODULE_NOT_FOUND\n");
  });

  it("gets nothing installed on the way, and leaves no file of Bun's", async () => {
    const { result, stdout } = run({
      "main.ts": `import { readdirSync } from "node:fs";
await import("is-odd" as string).catch((error) => console.log(error.code));
console.log(readdirSync(process.env.HOME as string));`,
    });
    expect(await result).toMatchObject({ kind: "exited", exitCode: 0 });
    expect(stdout()).toBe("ERR_MODULE_NOT_FOUND\n[]\n");
  });

  it("has what it wrote by any way come whole and in order, also when it exits at once", async () => {
    const { result, both } = run({
      "main.ts": `console.log("1"); process.stderr.write("2\\n"); console.table([]); console.warn("3");
process.stdout.write("4".repeat(1024 * 1024) + "\\n"); console.error("5"); process.exit(0);`,
    });
    expect(await result).toMatchObject({ kind: "exited", exitCode: 0 });
    const seen = both()
      .replace(/4+/, "4")
      .replaceAll(/[^0-9\n]/g, "");
    expect(seen.split("\n").filter(Boolean)).toEqual(["1", "2", "3", "4", "5"]);
  });

  it("has what it printed before an error that nobody caught come before the error", async () => {
    const files = [
      `console.log("before"); throw new Error("after");`,
      `console.log("before"); await Promise.reject(new Error("after"));`,
      `console.log("before"); Promise.reject(new Error("after")); setTimeout(() => console.log("later"), 1000);`,
    ];
    for (const source of files) {
      const { result, stdout, both } = run({ "main.ts": source });
      expect(await result).toMatchObject({ kind: "exited", exitCode: 1 });
      expect(stdout()).toBe("before\n");
      expect(both().indexOf("before")).toBe(0);
      expect(both().match(/^error: after/gm)).toHaveLength(1);
    }
  });

  it("may handle rejections itself, each once, and go on", async () => {
    const { result, both } = run({
      "main.ts": `process.on("unhandledRejection", (error: Error) => console.log("handled", error.message));
Promise.reject(new Error("one"));
setTimeout(() => console.log("goes on"), 5);`,
    });
    expect(await result).toMatchObject({ kind: "exited", exitCode: 0 });
    expect(both()).toBe("handled one\ngoes on\n");
  });

  it("imports the same names statically and later", async () => {
    const { result, stdout } = run({
      "main.ts": `import { context, FxError } from "@streamzero/fx";
const sent = context.events.send("a.b", 1);
console.log(await sent, FxError.name, Object.keys(await import("@streamzero/fx")).sort().join(" "));`,
    });
    expect(await result).toMatchObject({ kind: "exited", exitCode: 0 });
    expect(stdout()).toBe("derived-1 FxError FxError context getParam getSecret\n");
  });
});
