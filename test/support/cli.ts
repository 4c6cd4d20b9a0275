import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { onTestFinished } from "vitest";
import { testToken } from "./platform.ts";

export const root = fileURLToPath(new URL("../..", import.meta.url));
const main = fileURLToPath(new URL("../../src/cli/main.ts", import.meta.url));

export interface CliResult {
  code: number | null;
  /** Standard output. */
  out: string;
  /** Standard error. */
  talk: string;
}

export interface CliOptions {
  /** Where the platform is; absent: what the words and the directory say. */
  url?: string;
  token?: string | undefined;
  directory?: string;
  input?: string;
  environment?: Readonly<Record<string, string>>;
  /** A program, with its arguments, that becomes the command. */
  by?: readonly string[];
}

/** The real CLI as a process. */
export class RunningCli {
  readonly process: ChildProcess;
  out = "";
  talk = "";
  readonly #ended: Promise<unknown[]>;

  constructor(
    words: readonly string[],
    { url, token = testToken, directory = root, input = "", environment = {}, by = [] }: CliOptions,
  ) {
    // None of the settings of whoever runs the tests may reach the command.
    const inherited = Object.entries(process.env).filter(([name]) => !name.startsWith("FX_") && name !== "FORCE_COLOR");
    const [program = process.execPath, ...args] = [...by, process.execPath, main, ...words];
    this.process = spawn(program, args, {
      cwd: directory,
      env: {
        ...Object.fromEntries(inherited),
        ...(url === undefined ? {} : { FX_URL: url, FX_TOKEN: token }),
        ...environment,
      },
      stdio: "pipe",
    });
    this.process.stdout?.setEncoding("utf8").on("data", (text: string) => {
      this.out += text;
    });
    this.process.stderr?.setEncoding("utf8").on("data", (text: string) => {
      this.talk += text;
    });
    this.process.stdin?.on("error", () => {}).end(input);
    this.#ended = once(this.process, "close");
  }

  async kill(): Promise<void> {
    this.process.kill("SIGKILL");
    await this.#ended;
  }

  async result(): Promise<CliResult> {
    const [code] = (await this.#ended) as [number | null];
    return { code, out: this.out, talk: this.talk };
  }
}

/** Begun and not waited for; killed when the test is finished. */
export function startFx(words: readonly string[], options: CliOptions): RunningCli {
  const running = new RunningCli(words, options);
  onTestFinished(() => running.kill());
  return running;
}

export async function fx(words: readonly string[], options: CliOptions): Promise<CliResult> {
  return new RunningCli(words, options).result();
}

/** What a command with `--json` printed. It must have ended with 0. */
export async function fxJson<Value>(words: readonly string[], options: CliOptions): Promise<Value> {
  const { code, out, talk } = await fx([...words, "--json"], options);
  if (code !== 0) throw new Error(`fx ${words.join(" ")} ended with ${code}: ${talk}`);
  return JSON.parse(out) as Value;
}
