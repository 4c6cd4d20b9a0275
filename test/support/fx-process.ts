import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { eventually } from "./eventually.ts";

const main = fileURLToPath(new URL("../../src/cli/main.ts", import.meta.url));

export interface FxProcessOptions {
  /** Of the command line: "start" or a role. */
  command: string;
  /** Where it runs; its data directory is below it. */
  directory: string;
  token: string;
  flags?: readonly string[];
  environment?: Readonly<Record<string, string>>;
  /** What it is started by, where that is not the Node of the tests: `ip netns exec cut node`. */
  through?: readonly string[];
}

/** The platform, or a role of it, as a process of its own that can be started again and again. */
export class FxProcess {
  readonly #options: FxProcessOptions;
  #process: ChildProcess | undefined;
  #talk = "";
  #url: string | undefined;

  constructor(options: FxProcessOptions) {
    this.#options = options;
  }

  get pid(): number {
    return this.#process?.pid ?? 0;
  }

  /** Where it answers; undefined while it does not. */
  get url(): string | undefined {
    return this.#url;
  }

  /** What it wrote to standard error since its start. */
  get talk(): string {
    return this.#talk;
  }

  /** Begins a start; `ready` waits for it. */
  start(): void {
    const { command, directory, token, flags = [], environment = {}, through = [process.execPath] } = this.#options;
    const inherited = Object.entries(process.env).filter(([name]) => !name.startsWith("FX_"));
    const [program = "", ...before] = through;
    const child = spawn(program, [...before, main, command, "--port", "0", ...flags], {
      cwd: directory,
      env: { ...Object.fromEntries(inherited), ...environment, FX_TOKEN: token },
      stdio: ["ignore", "pipe", "pipe"],
    });
    this.#process = child;
    let out = "";
    this.#talk = "";
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      out += text;
      const url = /^FX (?:\w+ )?is ready at (\S+)\n/.exec(out)?.[1];
      if (this.#process === child && url !== undefined) this.#url = url;
    });
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      this.#talk += text;
    });
  }

  async ready(): Promise<void> {
    await eventually(
      () => {
        if (this.#process?.exitCode !== null) throw new Error(`the platform ended by itself: ${this.#talk}`);
        return this.#url !== undefined;
      },
      { withinMs: 60_000 },
    );
  }

  signal(name: "SIGSTOP" | "SIGCONT"): void {
    this.#process?.kill(name);
  }

  /** Ends the process alone: whatever it started has to notice by itself. Answers the exit code; null after a signal. */
  async end(signal: "SIGKILL" | "SIGTERM"): Promise<number | null> {
    const child = this.#process;
    if (child === undefined) return null;
    this.#process = undefined;
    this.#url = undefined;
    if (child.exitCode !== null || child.signalCode !== null) return child.exitCode;
    const ended = once(child, "exit");
    child.kill(signal);
    const [code] = (await ended) as [number | null];
    return code;
  }
}

/** The API of a platform, as a client of it. Rejects when nobody answers, and for an answer that is no success. */
export class ApiClient {
  readonly #urlOf: () => string | undefined;
  readonly #token: string;

  constructor(urlOf: () => string | undefined, token: string) {
    this.#urlOf = urlOf;
    this.#token = token;
  }

  async request<Body>(
    method: string,
    route: string,
    body?: string | Uint8Array<ArrayBuffer>,
    contentType?: string,
  ): Promise<Body> {
    const url = this.#urlOf();
    if (url === undefined) throw new Error("the platform is not there");
    const response = await fetch(`${url}/api/v1${route}`, {
      method,
      headers: {
        authorization: `Bearer ${this.#token}`,
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
}
