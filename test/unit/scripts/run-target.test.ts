import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { delimiter, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { pathBeginningWith, resolveTarget } from "../../../scripts/setup/run-target.mjs";
import { eventually } from "../../support/eventually.ts";
import { tempDir } from "../../support/temp-dir.ts";

const runTarget = fileURLToPath(new URL("../../../scripts/setup/run-target.mjs", import.meta.url));

/**
 * Starts a parent that runs `program` through `runWithNode` and `runHere`, just as an older Node does. The program
 * writes its signs into `file`, so that a test can wait for them.
 */
function startThrough(program: string, args: string[] = []) {
  const folder = tempDir();
  const file = join(folder, "signs");
  writeFileSync(
    join(folder, "program.mjs"),
    `import { appendFileSync } from "node:fs";
     const sign = (text) => appendFileSync(${JSON.stringify(file)}, text + "\\n");
     ${program}`,
  );
  writeFileSync(
    join(folder, "child.mjs"),
    `import { runHere } from ${JSON.stringify(runTarget)};
     await runHere({ root: ${JSON.stringify(folder)}, target: "program.mjs", rest: process.argv.slice(2) });`,
  );
  writeFileSync(
    join(folder, "parent.mjs"),
    `import { runWithNode } from ${JSON.stringify(runTarget)};
     await runWithNode({ nodePath: process.execPath, entry: ${JSON.stringify(join(folder, "child.mjs"))}, args: process.argv.slice(2) });`,
  );
  const parent = spawn(process.execPath, [join(folder, "parent.mjs"), ...args], {
    stdio: ["pipe", "pipe", "inherit"],
    detached: true,
  });
  const signs = () => (existsSync(file) ? readFileSync(file, "utf8").trim().split("\n") : []);
  return { parent, signs, ended: ended(parent), output: collected(parent) };
}

function ended(child: ChildProcess): Promise<{ code: number | null; signal: NodeJS.Signals | null }> {
  return new Promise((settle) => child.on("close", (code, signal) => settle({ code, signal })));
}

async function collected(child: ChildProcess): Promise<string> {
  let text = "";
  for await (const chunk of child.stdout ?? []) text += chunk;
  return text;
}

const countsSignals = `
  for (const signal of ["SIGINT", "SIGTERM"]) process.on(signal, () => sign("got " + signal));
  process.on("SIGHUP", () => process.exit(7));
  setInterval(() => {}, 1000);
  sign("ready");`;

test("arguments, stdin, stdout and the exit code pass through unchanged", async () => {
  const { parent, ended, output } = startThrough(
    `process.stdin.setEncoding("utf8").on("data", (text) => {
       process.stdout.write(JSON.stringify([process.argv.slice(2), text]), () => process.exit(42));
     });`,
    ["a b", "--json", "", "ünï"],
  );
  parent.stdin?.end("typed");
  expect(await ended).toEqual({ code: 42, signal: null });
  expect(JSON.parse(await output)).toEqual([["a b", "--json", "", "ünï"], "typed"]);
});

test("the program sees itself as the main file, and the right Node first on PATH", async () => {
  const { ended, output } = startThrough("process.stdout.write(JSON.stringify([process.argv[1], process.env.PATH]));");
  expect((await ended).code).toBe(0);
  const [main, path] = JSON.parse(await output);
  expect(main).toMatch(/program\.mjs$/);
  expect(path.split(delimiter)[0]).toBe(dirname(process.execPath));
});

test.each(["SIGINT", "SIGTERM"] as const)("%s to the parent alone reaches the program exactly once", async (signal) => {
  const { parent, signs, ended } = startThrough(countsSignals);
  await eventually(() => signs().length > 0);
  process.kill(parent.pid as number, signal);
  await eventually(() => signs().includes(`got ${signal}`));
  process.kill(parent.pid as number, "SIGHUP");
  expect(await ended).toEqual({ code: 7, signal: null });
  expect(signs().filter((sign) => sign.startsWith("got"))).toEqual([`got ${signal}`]);
});

test("Ctrl-C in a terminal, a signal to the whole group, reaches the program exactly once", async () => {
  const { parent, signs, ended } = startThrough(countsSignals);
  await eventually(() => signs().length > 0);
  process.kill(-(parent.pid as number), "SIGINT");
  await eventually(() => signs().includes("got SIGINT"));
  process.kill(-(parent.pid as number), "SIGHUP");
  expect(await ended).toEqual({ code: 7, signal: null });
  expect(signs().filter((sign) => sign.startsWith("got"))).toEqual(["got SIGINT"]);
});

test("Ctrl-C under npm, which repeats the terminal's signal, reaches the program exactly once", async () => {
  const { parent, signs, ended } = startThrough(countsSignals);
  await eventually(() => signs().length > 0);
  process.kill(-(parent.pid as number), "SIGINT");
  process.kill(parent.pid as number, "SIGINT");
  await eventually(() => signs().includes("got SIGINT"));
  process.kill(parent.pid as number, "SIGHUP");
  expect(await ended).toEqual({ code: 7, signal: null });
  expect(signs().filter((sign) => sign.startsWith("got"))).toEqual(["got SIGINT"]);
});

test("a program ended by a signal ends the parent by the same one", async () => {
  const { parent, signs, ended } = startThrough(`setInterval(() => {}, 1000); sign("ready");`);
  await eventually(() => signs().length > 0);
  process.kill(parent.pid as number, "SIGTERM");
  expect(await ended).toEqual({ code: null, signal: "SIGTERM" });
});

test("a parent killed with -9 takes the program along", async () => {
  const { parent, signs, output } = startThrough(countsSignals);
  await eventually(() => signs().length > 0);
  process.kill(parent.pid as number, "SIGKILL");
  // The program holds the same stdout, so the end of it is the end of both.
  expect(await output).toBe("");
  expect(signs()).toHaveLength(1);
});

test("a program that has nothing left to do ends by itself, though it watches its parent", async () => {
  const { ended } = startThrough("");
  expect(await ended).toEqual({ code: 0, signal: null });
});

test("a target beginning with @ is a program of the installed packages, any other a path from the root", () => {
  const root = tempDir();
  mkdirSync(join(root, "node_modules", ".bin"), { recursive: true });
  writeFileSync(join(root, "node_modules", "tool.mjs"), "");
  symlinkSync("../tool.mjs", join(root, "node_modules", ".bin", "tool"));
  expect(resolveTarget(root, "@tool")).toMatch(/node_modules\/tool\.mjs$/);
  expect(resolveTarget(root, "src/cli/main.ts")).toBe(join(root, "src/cli/main.ts"));
  expect(() => resolveTarget(root, "@absent")).toThrow("no installed package has a program named absent");
});

test("PATH begins with the folder once", () => {
  expect(pathBeginningWith("/a", undefined)).toBe("/a");
  expect(pathBeginningWith("/a", "/b:/a")).toBe("/a:/b:/a");
  expect(pathBeginningWith("/a", "/a:/b")).toBe("/a:/b");
});
