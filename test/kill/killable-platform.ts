import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { eventually } from "../support/eventually.ts";
import { descendantsOf, type ProcessFacts, stillRunning } from "./process-tree.ts";

const main = fileURLToPath(new URL("../../src/cli/main.ts", import.meta.url));
const token = "the-token-of-the-kill-test";

/** The platform as its own process on a data directory that outlives it. */
export class KillablePlatform {
  readonly #directory: string;
  readonly #settings: readonly string[];
  #process: ChildProcess | undefined;
  #talk = "";
  /** Where it answers; undefined while it does not. */
  url: string | undefined;
  /** Processes that belonged to a platform that is gone, and must be gone as well. */
  readonly #orphans: ProcessFacts[] = [];

  /** How many such processes there were. */
  orphanCount = 0;

  constructor(directory: string, settings: Record<string, string | number>) {
    this.#directory = directory;
    this.#settings = Object.entries(settings).flatMap(([name, value]) => [`--${name}`, String(value)]);
  }

  get pid(): number {
    return this.#process?.pid ?? 0;
  }

  /** Begins a start; `ready` waits for it. */
  start(): void {
    const inherited = Object.entries(process.env).filter(([name]) => !name.startsWith("FX_"));
    const child = spawn(process.execPath, [main, "start", "--port", "0", "--log-level", "error", ...this.#settings], {
      cwd: this.#directory,
      env: { ...Object.fromEntries(inherited), FX_TOKEN: token },
      stdio: ["ignore", "pipe", "pipe"],
    });
    this.#process = child;
    let out = "";
    this.#talk = "";
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      out += text;
      const url = /^FX is ready at (\S+)\n/.exec(out)?.[1];
      if (this.#process === child && url !== undefined) this.url = url;
    });
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      this.#talk += text;
    });
  }

  async ready(): Promise<void> {
    await eventually(
      () => {
        if (this.#process?.exitCode !== null) throw new Error(`the platform ended by itself: ${this.#talk}`);
        return this.url !== undefined;
      },
      { withinMs: 60_000 },
    );
  }

  /** kill -9 of the platform's process alone: whatever it started has to notice by itself. */
  async kill(): Promise<void> {
    this.#expectOrphans();
    await this.#end("SIGKILL");
  }

  /** Answers the exit code. */
  async stop(): Promise<number | null> {
    this.#expectOrphans();
    return this.#end("SIGTERM");
  }

  /** The small process that starts scripts; undefined when there is none just now. */
  launcher(): ProcessFacts | undefined {
    return descendantsOf(this.pid).find(({ command }) => command.includes("launcher-process"));
  }

  signal(name: "SIGSTOP" | "SIGCONT"): void {
    this.#process?.kill(name);
  }

  /** Resolves when nothing is left of any platform that was. */
  async nothingIsLeft(): Promise<void> {
    await eventually(
      () => {
        const left = stillRunning(this.#orphans);
        if (left.length > 0) throw new Error(`still running: ${left.map(({ command }) => command).join("; ")}`);
        return true;
      },
      { withinMs: 20_000 },
    );
    this.#orphans.length = 0;
  }

  /** Rejects when nobody answers. */
  async request<Body>(
    method: string,
    route: string,
    body?: string | Uint8Array<ArrayBuffer>,
    contentType?: string,
  ): Promise<Body> {
    if (this.url === undefined) throw new Error("the platform is not there");
    const response = await fetch(`${this.url}/api/v1${route}`, {
      method,
      headers: {
        authorization: `Bearer ${token}`,
        ...(contentType === undefined ? {} : { "content-type": contentType }),
      },
      ...(body === undefined ? {} : { body }),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`${method} ${route} answered ${response.status}: ${text}`);
    return JSON.parse(text) as Body;
  }

  /** All pages of a list. */
  async list<Item>(route: string): Promise<Item[]> {
    const items: Item[] = [];
    for (let after = ""; ; ) {
      const page = await this.request<{ items: Item[]; next: string | null }>("GET", `${route}limit=1000${after}`);
      items.push(...page.items);
      if (!page.next) return items;
      after = `&after=${encodeURIComponent(page.next)}`;
    }
  }

  #expectOrphans(): void {
    const orphans = descendantsOf(this.pid);
    this.#orphans.push(...orphans);
    this.orphanCount += orphans.length;
  }

  async #end(signal: "SIGKILL" | "SIGTERM"): Promise<number | null> {
    const child = this.#process;
    if (child === undefined) return null;
    this.#process = undefined;
    this.url = undefined;
    if (child.exitCode !== null || child.signalCode !== null) return child.exitCode;
    const ended = once(child, "exit");
    child.kill(signal);
    const [code] = (await ended) as [number | null];
    return code;
  }
}
