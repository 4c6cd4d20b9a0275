import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { type Clock, sleep } from "../../foundation/clock.ts";
import { PlatformError } from "../../foundation/errors.ts";
import { killAllOfUser, killQuietly, killStrays } from "../launcher/strays.ts";
import type { Told } from "./environment.ts";

/** How long the end of its output is waited for, once its processes are gone. */
const drainMs = 1_000;
/** One that goes on forking under another mark is not found in any case. */
const killPasses = 200;
/** Between two looks at what is left of it. */
const killAgainMs = 10;
/** Lines kept of what a tool said, for the error that it ends with. */
const keptLines = 200;
const maxLineLength = 1_000;

export interface InstallCommand {
  command: string;
  args: readonly string[];
  cwd: string;
  /** All of it; nothing is inherited. */
  env: Readonly<Record<string, string>>;
  user?: { uid: number; gid: number } | undefined;
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
 * Runs a package tool to its end, in a process group of its own. When this resolves, none of its processes is left
 * that can be recognised. Rejects with `unavailable` where it cannot be started, with `timeout` where it takes too long.
 */
export async function runInstall(asked: InstallCommand, clock: Clock, told: Told): Promise<InstallEnd> {
  const { command, args, cwd, env, user, timeoutMs, signal } = asked;
  // Their first environment tells its processes from others, where no user of their own does.
  const mark = `FX_INSTALL=${cwd}`;
  const child = spawn(command, args, {
    cwd,
    env: { ...env, FX_INSTALL: cwd },
    ...user,
    detached: true,
    stdio: ["ignore", "pipe", "pipe"],
  });
  const lines: string[] = [];
  const drained = new Promise<void>((resolve) => child.on("close", () => resolve()));
  for (const stream of [child.stdout, child.stderr]) {
    createInterface({ input: stream }).on("line", (text) => {
      const line = text.trimEnd().slice(0, maxLineLength);
      if (line === "") return;
      lines.push(line);
      if (lines.length > keptLines) lines.shift();
      told(line);
    });
  }
  const kill = () => {
    if (child.pid !== undefined) killQuietly(-child.pid, "SIGKILL");
  };
  let isLate = false;
  const timer = clock.setTimer(timeoutMs, () => {
    isLate = true;
    kill();
  });
  signal?.addEventListener("abort", kill);
  try {
    const code = await new Promise<number | undefined>((resolve, reject) => {
      child.on("error", (error) => {
        reject(new PlatformError("unavailable", `'${command}' could not be started: ${error.message}`));
      });
      // Not its "close": a process that it left behind may hold its output open until it is killed below.
      child.on("exit", (exitCode) => resolve(exitCode ?? undefined));
    });
    if (signal?.aborted) throw new PlatformError("unavailable", "the platform is being stopped");
    if (isLate) {
      const message = `it took longer than ${timeoutMs / 1000} s (setting dependencies.timeoutMs)`;
      throw new PlatformError("timeout", message, { retryable: false });
    }
    return { code, lines };
  } finally {
    timer.cancel();
    signal?.removeEventListener("abort", kill);
    kill();
    if (user) await killAllOfUser(user);
    else
      for (let pass = 0; pass < killPasses && killStrays({ kind: "environment", entry: mark }) > 0; pass += 1)
        await sleep(clock, killAgainMs);
    await Promise.race([drained, sleep(clock, drainMs)]);
  }
}
