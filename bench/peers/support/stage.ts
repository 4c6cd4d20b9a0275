import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { connect } from "node:net";
import { createInterface, type Interface } from "node:readline";
import { setTimeout as pause } from "node:timers/promises";

const startMs = 60_000;

const started = new Set<ChildProcess>();
process.on("exit", () => {
  for (const child of started) signalGroup(child, "SIGKILL");
});

interface Program {
  command: string;
  args: readonly string[];
  cwd?: string;
  env?: Record<string, string>;
  /** The line of its output that says it is ready, or the port that it listens on then. Without it, it is ready at once. */
  ready?: RegExp | number;
}

/** A process that runs, and the lines of its standard output. */
export interface Ran {
  child: ChildProcess;
  lines: Interface;
}

/** One contender's processes, its directory, and the lines of its jobs. All of them end with it. */
export class Stage {
  readonly directory: string;
  readonly #children: ChildProcess[] = [];
  readonly #closings: (() => Promise<void>)[] = [];
  readonly #starts = new Map<number, number>();
  #said = "";

  constructor(directory: string) {
    this.directory = directory;
  }

  /** What the processes wrote last, for an error's message. */
  get said(): string {
    return this.#said;
  }

  /** Resolves when the program has said that it is ready; rejects when it ends before. */
  async run({ command, args, cwd, env = {}, ready }: Program): Promise<Ran> {
    const { PATH = "", HOME = "", LANG = "C.UTF-8" } = process.env;
    const child = spawn(command, args, {
      cwd: cwd ?? this.directory,
      // A group of its own, so that what it starts ends with it.
      detached: true,
      stdio: ["pipe", "pipe", "pipe"],
      env: { PATH, HOME, LANG, PYTHONUNBUFFERED: "1", PYTHONDONTWRITEBYTECODE: "1", ...env },
    });
    started.add(child);
    this.#children.push(child);
    child.once("exit", () => started.delete(child));
    const lines = createInterface({ input: child.stdout });
    await new Promise<void>((resolve, reject) => {
      const hear = (line: string) => {
        this.#hear(line);
        if (ready instanceof RegExp && ready.test(line)) resolve();
      };
      lines.on("line", hear);
      createInterface({ input: child.stderr }).on("line", hear);
      child.once("error", reject);
      const late = () => reject(new Error(`${command} is not ready after a minute: ${this.#said}`));
      setTimeout(late, startMs).unref();
      // Once all that it said has been read.
      child.once("close", (code) => reject(new Error(`${command} ended with ${code}: ${this.#said}`)));
      if (ready === undefined) child.once("spawn", resolve);
      if (typeof ready === "number") listening(ready, child).then(resolve, reject);
    });
    return { child, lines };
  }

  onEnd(close: () => Promise<void>): void {
    this.#closings.unshift(close);
  }

  /** When each of these jobs printed its line, in milliseconds since the epoch; waits until all have. */
  async startsOf(first: number, jobs: number): Promise<number[]> {
    const numbers = Array.from({ length: jobs }, (_, index) => first + index);
    const began = performance.now();
    while (!numbers.every((number) => this.#starts.has(number))) {
      if (performance.now() - began > 60_000) throw new Error(`jobs without a line after a minute: ${this.#said}`);
      await pause(10);
    }
    return numbers.map((number) => this.#starts.get(number) as number);
  }

  async end(): Promise<void> {
    for (const child of this.#children.toReversed()) await endGroup(child);
    for (const close of this.#closings) await close();
  }

  #hear(line: string): void {
    const job = /\bjob (\d+) (\d+(?:\.\d+)?)/.exec(line);
    if (job) this.#starts.set(Number(job[1]), Number(job[2]));
    else this.#said = `${this.#said}\n${line}`.slice(-3000);
  }
}

async function listening(port: number, child: ChildProcess): Promise<void> {
  while (child.exitCode === null && child.signalCode === null) {
    const socket = connect(port, "127.0.0.1");
    const [event] = await Promise.race([
      once(socket, "connect").then(() => ["connect"]),
      once(socket, "close").then(() => ["close"]),
    ]).catch(() => ["close"]);
    socket.destroy();
    if (event === "connect") return;
    await pause(50);
  }
}

async function endGroup(child: ChildProcess): Promise<void> {
  if (child.exitCode === null && child.signalCode === null) {
    const exited = once(child, "exit");
    child.kill("SIGTERM");
    await Promise.race([exited, pause(3000, undefined, { ref: false })]);
  }
  signalGroup(child, "SIGKILL");
  if (child.exitCode === null && child.signalCode === null) await once(child, "exit");
}

function signalGroup(child: ChildProcess, signal: NodeJS.Signals): void {
  try {
    if (child.pid !== undefined) process.kill(-child.pid, signal);
  } catch {
    // Nobody is left in it.
  }
}
