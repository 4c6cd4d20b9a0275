import { type ChildProcess, spawnSync } from "node:child_process";
import { once } from "node:events";
import { copyFileSync, cpSync, mkdirSync, readdirSync, rmSync, symlinkSync } from "node:fs";
import { dirname, join } from "node:path";
import { ContainerEngine } from "../../src/executor/containers/container-engine.ts";
import { findBun } from "../../src/executor/runtimes/find-bun.ts";
import { eventually } from "./eventually.ts";
import { Podman } from "./podman.ts";

const busybox = "/bin/busybox";

/** Why the tests with a real engine cannot run here; undefined: they can. */
export const engineMissing = whyMissing();

const commands = [
  "sh",
  "echo",
  "sleep",
  "cat",
  "env",
  "ls",
  "id",
  "head",
  "tail",
  "yes",
  "touch",
  "kill",
  "true",
  "printf",
  "wc",
];

/** A real Podman that serves Docker's API, with storage of its own. */
export interface TestEngine {
  address: string;
  engine: ContainerEngine;
  /** Adds the image `pythonImage`: the same with this machine's Python as /bin/python3. */
  importPython(): Promise<void>;
  /** Adds the image `javascriptImage`: the same with the tests' Node and Bun as /bin/node and /bin/bun. */
  importJavaScript(): Promise<void>;
  /** Ends the service; containers live on. */
  stop(): Promise<void>;
  start(): Promise<void>;
  /** Ends everything, containers too. */
  close(): Promise<void>;
}

export const testImage = "localhost/fx-test:latest";
export const pythonImage = "localhost/fx-test-python:latest";
export const javascriptImage = "localhost/fx-test-javascript:latest";

/** In `directory`, with one image: busybox, `/bin/sh` and a few commands, and no entry point. */
export async function startEngine(directory: string): Promise<TestEngine> {
  const podman = new Podman(directory);
  await podman.run("import", await packRoot(directory, "plain", () => {}), testImage);
  const socket = join(directory, "engine.sock");
  const address = `unix://${socket}`;
  let service: ChildProcess | undefined;
  const start = async () => {
    rmSync(socket, { force: true });
    service = podman.spawn("system", "service", "--time=0", address);
    await eventually(() => ContainerEngine.connect(address));
  };
  const stop = async () => {
    if (service === undefined) return;
    const ended = once(service, "exit");
    service.kill("SIGTERM");
    await ended;
    service = undefined;
  };
  await start();
  return {
    address,
    engine: await ContainerEngine.connect(address),
    importPython: async () =>
      void (await podman.run("import", await packRoot(directory, "python", layPython), pythonImage)),
    importJavaScript: async () =>
      void (await podman.run("import", await packRoot(directory, "javascript", layJavaScript), javascriptImage)),
    start,
    stop,
    async close() {
      await stop();
      await podman.clear();
    },
  };
}

async function packRoot(directory: string, name: string, add: (root: string) => void | Promise<void>): Promise<string> {
  const root = join(directory, name);
  mkdirSync(join(root, "bin"), { recursive: true });
  mkdirSync(join(root, "tmp"), { mode: 0o777 });
  cpSync(busybox, join(root, "bin/busybox"));
  for (const command of commands) symlinkSync("busybox", join(root, "bin", command));
  await add(root);
  const archive = `${root}.tar`;
  output("tar", "-C", root, "-cf", archive, ".");
  return archive;
}

/** The interpreter, what it links to, and its library without what only developers need. */
function layPython(root: string): void {
  const ask = "import os, sys, sysconfig; print(os.path.realpath(sys.executable), sysconfig.get_path('stdlib'))";
  const [program = "", library = ""] = output("python3", "-I", "-c", ask).trim().split(" ");
  const needless = /\/(__pycache__|test|idlelib|tkinter|ensurepip|site-packages|dist-packages|config-[^/]*)$/;
  cpSync(library, join(root, library), { recursive: true, filter: (path) => !needless.test(path) });
  const libraries = [
    program,
    ...readdirSync(join(library, "lib-dynload")).map((name) => join(library, "lib-dynload", name)),
  ];
  for (const file of new Set([program, ...libraries.flatMap(linkedTo)])) layFile(root, file);
  symlinkSync(program, join(root, "bin/python3"));
}

async function layJavaScript(root: string): Promise<void> {
  const { command: bun } = await findBun(undefined);
  for (const [name, program] of Object.entries({ node: process.execPath, bun })) {
    for (const file of linkedTo(program)) layFile(root, file);
    copyFileSync(program, join(root, "bin", name));
  }
}

function layFile(root: string, file: string): void {
  mkdirSync(dirname(join(root, file)), { recursive: true });
  copyFileSync(file, join(root, file));
}

function linkedTo(program: string): string[] {
  return output("ldd", program).match(/\/[^\s:]+\.so[^\s:]*/g) ?? [];
}

function output(program: string, ...args: string[]): string {
  const done = spawnSync(program, args, { encoding: "utf8" });
  if (done.status !== 0) throw new Error(`${program} ${args.join(" ")}: ${done.error?.message ?? ""} ${done.stderr}`);
  return done.stdout;
}

function whyMissing(): string | undefined {
  if (process.platform !== "linux" || process.getuid?.() !== 0) return "they need Linux and root";
  for (const [program, ...args] of [
    ["podman", "--version"],
    ["runc", "--version"],
    [busybox, "true"],
  ] as const) {
    if (spawnSync(program, args).status !== 0) {
      return `${program} is not installed (Debian: apt-get install podman runc busybox-static)`;
    }
  }
  return undefined;
}
