import { once } from "node:events";
import { createInterface } from "node:readline";
import { PassThrough } from "node:stream";
import { PlatformError } from "../../foundation/errors.ts";
import { noLimits } from "../../services/run-limits.ts";
import type { User } from "../isolation/run-users.ts";
import { killAllOfUser, launch } from "../launcher/launched-tools.ts";
import type { Launcher, LaunchRequest } from "../launcher/launcher.ts";
import type { Told } from "./environment.ts";

/** Lines kept of what a tool said, for the error that it ends with. */
const keptLines = 200;
const maxLineLength = 1_000;

export interface InstallCommand {
  command: string;
  args: readonly string[];
  cwd: string;
  /** All of it; nothing is inherited. */
  env: Readonly<Record<string, string>>;
  user: User | undefined;
  timeoutMs: number;
  /** Ends it, with `unavailable`. */
  signal?: AbortSignal | undefined;
}

export interface InstallEnd {
  /** Undefined: it was ended by a signal. */
  code: number | undefined;
  /** What it said last, on both streams. */
  lines: readonly string[];
}

/**
 * Runs a package tool to its end. When this resolves, none of its processes is left that can be recognised. Rejects with `unavailable`
 * where it cannot be started or is not needed any more, with `timeout` where it takes too long.
 */
export async function runInstall(
  launcher: Launcher<LaunchRequest>,
  { signal, timeoutMs, ...asked }: InstallCommand,
  told: Told,
): Promise<InstallEnd> {
  const lines: string[] = [];
  const reader = () =>
    new LineReader((text) => {
      const line = text.trimEnd().slice(0, maxLineLength);
      if (line === "") return;
      lines.push(line);
      if (lines.length > keptLines) lines.shift();
      told(line);
    });
  const readers = { stdout: reader(), stderr: reader() };
  const { args, env, ...rest } = asked;
  const request = { ...rest, ...unlimited, args: [...args], env: { ...env }, ttlMs: timeoutMs };
  const end = await launch(launcher, request, signal, (stream, bytes) => readers[stream].write(bytes));
  await Promise.all([readers.stdout.end(), readers.stderr.end()]);
  // A launcher that is gone cannot, and has left none that can be recognised; an install begins with it, too.
  if (asked.user && end.kind !== "lost") await killAllOfUser(launcher, asked.user);
  if (signal?.aborted) throw new PlatformError("unavailable", "the platform is being stopped");
  switch (end.kind) {
    case "exited":
      return { code: end.code, lines };
    case "signalled":
    case "overrun":
      return { code: undefined, lines };
    case "expired": {
      const message = `it took longer than ${timeoutMs / 1000} s (setting dependencies.timeoutMs)`;
      throw new PlatformError("timeout", message, { retryable: false });
    }
    case "lost":
    case "unstartable":
      throw new PlatformError("unavailable", end.message);
  }
}

/** All that it says is read, so that it is never held up, and little of it kept. */
const unlimited = { limits: noLimits, setAsideBytes: 0, outputCapBytes: Number.MAX_SAFE_INTEGER };

/** Bytes in, lines out, a character that comes in two parts included. */
class LineReader {
  readonly #bytes = new PassThrough();
  readonly #closed: Promise<unknown>;

  constructor(line: (text: string) => void) {
    const lines = createInterface({ input: this.#bytes }).on("line", line);
    this.#closed = once(lines, "close");
  }

  write(bytes: Uint8Array): void {
    this.#bytes.write(bytes);
  }

  /** Resolves when the last line was given on. */
  async end(): Promise<void> {
    this.#bytes.end();
    await this.#closed;
  }
}
