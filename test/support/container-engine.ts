import { type ChildProcess, spawnSync } from "node:child_process";
import { once } from "node:events";
import { copyFileSync, cpSync, mkdirSync, readdirSync, rmSync, symlinkSync } from "node:fs";
import { dirname, join } from "node:path";
import { ContainerEngine } from "../../src/executor/containers/container-engine.ts";
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
  /** Ends the service; containers live on. */
  stop(): Promise<void>;
  start(): Promise<void>;
  /** Ends everything, containers too. */
  close(): Promise<void>;
}

export const testImage = "localhost/fx-test:latest";
export const pythonImage = "localhost/fx-test-python:latest";

/** In `directory`, with one image: busybox, `/bin/sh` and a few commands, and no entry point. */
export async function startEngine(directory: string): Promise<TestEngine> {
  const podman = new Podman(directory);
  await podman.run(
    "import",
    packRoot(directory, "plain", () => {}),
    testImage,
  );
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
    importPython: async () => void (await podman.run("import", packRoot(directory, "python", layPython), pythonImage)),
    start,
    stop,
    async close() {
      await stop();
      await podman.clear();
    },
  };
}

function packRoot(directory: string, name: string, add: (root: string) => void): string {
  const root = join(directory, name);
  mkdirSync(join(root, "bin"), { recursive: true });
  mkdirSync(join(root, "tmp"), { mode: 0o777 });
  cpSync(busybox, join(root, "bin/busybox"));
  for (const command of commands) symlinkSync("busybox", join(root, "bin", command));
  add(root);
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
  const linked = libraries.flatMap((file) => output("ldd", file).match(/\/[^\s:]+\.so[^\s:]*/g) ?? []);
  for (const file of new Set([program, ...linked])) {
    mkdirSync(dirname(join(root, file)), { recursive: true });
    copyFileSync(file, join(root, file));
  }
  symlinkSync(program, join(root, "bin/python3"));
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
