import { spawn } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { eventually } from "../../support/eventually.ts";
import { tempDir } from "../../support/temp-dir.ts";

const setUp = fileURLToPath(new URL("../../../scripts/setup/with-set-up.mjs", import.meta.url));

/** A clone whose only package is its own workspace, so that the real npm installs it without any network. */
function clone(): string {
  const root = tempDir();
  const workspace = { name: "@clone/sdk", version: "1.0.0" };
  const manifest = { name: "clone", version: "1.0.0", workspaces: ["sdk"] };
  mkdirSync(join(root, "sdk"));
  writeJson(join(root, "sdk", "package.json"), workspace);
  writeJson(join(root, "package.json"), manifest);
  writeJson(join(root, "package-lock.json"), {
    ...manifest,
    lockfileVersion: 3,
    requires: true,
    packages: {
      "": manifest,
      sdk: workspace,
      "node_modules/@clone/sdk": { resolved: "sdk", link: true },
    },
  });
  writeFileSync(join(root, "target.mjs"), `console.log("ran", process.argv.slice(2).join(" "));`);
  writeFileSync(
    join(root, "entry.mjs"),
    `import { withSetUp } from ${JSON.stringify(setUp)};
     await withSetUp({ root: import.meta.dirname, entry: import.meta.filename, args: process.argv.slice(2) });`,
  );
  return root;
}

function writeJson(file: string, value: unknown): void {
  writeFileSync(file, JSON.stringify(value));
}

/** The folder of a program named npm that does what the shell text says. */
function npmThat(does: string): string {
  const folder = tempDir();
  writeFileSync(join(folder, "npm"), `#!/bin/sh\n${does}\n`);
  chmodSync(join(folder, "npm"), 0o755);
  return folder;
}

interface Ended {
  code: number | null;
  stdout: string;
  stderr: string;
}

function begin(root: string, args: string[], env: NodeJS.ProcessEnv = {}) {
  const child = spawn(process.execPath, [join(root, "entry.mjs"), ...args], {
    env: { ...process.env, ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const ended = new Promise<Ended>((settle) => {
    let stdout = "";
    let stderr = "";
    child.stdout.on("data", (text) => {
      stdout += text;
    });
    child.stderr.on("data", (text) => {
      stderr += text;
    });
    child.on("close", (code) => settle({ code, stdout, stderr }));
  });
  return { child, ended };
}

/** Without the npm that runs these tests; the one on PATH is asked. */
const npmOnPath = (folder: string): NodeJS.ProcessEnv => ({
  npm_execpath: undefined,
  PATH: `${folder}:${dirname(process.execPath)}:/usr/bin:/bin`,
});

test("a fresh clone installs its packages, says so on stderr, and runs the target; the second time says nothing", async () => {
  const root = clone();
  const first = await begin(root, ["target.mjs", "a", "b"]).ended;
  expect(first).toMatchObject({ code: 0, stdout: "ran a b\n" });
  expect(first.stderr).toMatch(/^fx: installing the packages .*\nfx: the packages are in place/);
  expect(readJson(join(root, "node_modules/@clone/sdk/package.json"))).toMatchObject({ name: "@clone/sdk" });
  expect(await begin(root, ["target.mjs"]).ended).toEqual({ code: 0, stdout: "ran \n", stderr: "" });
});

function readJson(file: string): unknown {
  return JSON.parse(readFileSync(file, "utf8"));
}

test("two set-ups at once both succeed and leave one whole tree and nothing unfinished", async () => {
  const root = clone();
  const both = await Promise.all([begin(root, ["target.mjs"]).ended, begin(root, ["target.mjs"]).ended]);
  expect(both.map(({ code, stdout }) => ({ code, stdout }))).toEqual([
    { code: 0, stdout: "ran \n" },
    { code: 0, stdout: "ran \n" },
  ]);
  expect(readJson(join(root, "node_modules/@clone/sdk/package.json"))).toMatchObject({ name: "@clone/sdk" });
  expect(readdirSync(join(root, ".tools"))).toEqual([]);
});

test("a changed lock replaces the packages as a whole", async () => {
  const root = clone();
  mkdirSync(join(root, "node_modules"));
  writeFileSync(join(root, "node_modules", "left-behind"), "");
  expect((await begin(root, ["target.mjs"]).ended).code).toBe(0);
  expect(existsSync(join(root, "node_modules", "left-behind"))).toBe(false);
});

test("a set-up killed in the middle leaves no node_modules; the next sweeps up and completes", async () => {
  const root = clone();
  const started = join(root, "started");
  const slow = npmThat(`mkdir node_modules && touch "${started}" && exec sleep 600`);
  const { child, ended } = begin(root, ["target.mjs"], npmOnPath(slow));
  await eventually(() => existsSync(started));
  child.kill("SIGTERM");
  expect((await ended).code).toBe(143);
  expect(existsSync(join(root, "node_modules"))).toBe(false);
  expect(readdirSync(join(root, ".tools"))).toEqual([]);

  // As kill -9 would leave it: no process has the id 2^30.
  mkdirSync(join(root, ".tools", "unfinished-1073741824-1", "node_modules"), { recursive: true });
  expect((await begin(root, ["target.mjs"]).ended).code).toBe(0);
  expect(readdirSync(join(root, ".tools"))).toEqual([]);
});

test("a machine without npm is told what is missing and what to do", async () => {
  const { code, stdout, stderr } = await begin(clone(), ["target.mjs"], {
    npm_execpath: undefined,
    PATH: tempDir(),
  }).ended;
  expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
  expect(stderr).toContain("cannot install the packages");
  expect(stderr).toContain("why: there is no npm on PATH");
  expect(stderr).toContain("fix: install npm");
});

test("a failing npm is explained and quoted, and leaves nothing behind", async () => {
  const root = clone();
  const offline = npmThat(`echo "npm error code ENOTFOUND" >&2; echo "npm error network is down" >&2; exit 1`);
  const { code, stdout, stderr } = await begin(root, ["target.mjs"], npmOnPath(offline)).ended;
  expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
  expect(stderr).toContain("why: npm could not reach its registry");
  expect(stderr).toContain("npm error network is down");
  expect(existsSync(join(root, "node_modules"))).toBe(false);
});

test("a Node that no package carries is refused with the versions at hand", async () => {
  const { code, stderr } = await begin(clone(), ["--node=24.0.999", "target.mjs"]).ended;
  expect(code).toBe(1);
  expect(stderr).toContain("cannot bring Node 24.0.999");
});

test("an error of the target is the target's: it is not dressed up as a failed set-up", async () => {
  const root = clone();
  writeFileSync(join(root, "target.mjs"), `throw new TypeError("mine");`);
  const { code, stderr } = await begin(root, ["target.mjs"]).ended;
  expect(code).toBe(1);
  expect(stderr).toContain("TypeError: mine");
  expect(stderr).not.toContain("fix:");
});
