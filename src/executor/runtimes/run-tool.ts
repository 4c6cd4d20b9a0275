import { spawn } from "node:child_process";
import { systemClock, type Timer } from "../../foundation/clock.ts";
import { PlatformError } from "../../foundation/errors.ts";
import { setSilenceTimer } from "../../foundation/silence-timer.ts";
import { killQuietly } from "../launcher/strays.ts";

export const toolMs = 60_000;
/** How long the end of its output is waited for once it has ended: what it left behind may hold it open for ever. */
const drainMs = 1_000;

export const toolEnvironment: Readonly<Record<string, string>> = {
  PATH: "/usr/local/bin:/usr/bin:/bin",
  LANG: "C.UTF-8",
  DO_NOT_TRACK: "1",
};

export interface ToolLimits {
  /** It is killed then, and so it is when `signal` aborts. */
  timeoutMs?: number;
  signal?: AbortSignal | undefined;
}

/** How tools are run: by this process, or by a smaller one. */
export type RunTool = typeof runTool;

/**
 * Runs a tool of ours to its end, `input` on its stdin, and returns what it printed. `env` is all of its environment. Rejects with
 * `unavailable`, the cause being why it could not be started, if so. One that is killed is not waited for, and its process group goes
 * with it; a process that it left behind after its own end lives on. The spawn blocks this process for as long as it is large: what
 * is run again and again while it works is run by `launchedTools`, but for what may leave processes behind.
 */
export function runTool(
  command: string,
  args: readonly string[],
  input = "",
  env: Readonly<Record<string, string>> = toolEnvironment,
  { timeoutMs = toolMs, signal }: ToolLimits = {},
): Promise<string> {
  return new Promise((resolve, reject) => {
    const fail = (why: string, cause?: Error) =>
      reject(new PlatformError("unavailable", `'${command}' failed: ${why}`, { cause }));
    if (signal?.aborted) return fail("it is not needed any more");
    const tool = spawn(command, args, { stdio: ["pipe", "pipe", "pipe"], env, detached: true });
    const output: Buffer[] = [];
    const errors: Buffer[] = [];
    let draining: Timer | undefined;
    const abort = () => giveUp("it is not needed any more");
    const leave = () => {
      late.cancel();
      draining?.cancel();
      signal?.removeEventListener("abort", abort);
      for (const stream of [tool.stdin, tool.stdout, tool.stderr]) stream.destroy();
    };
    const giveUp = (why: string) => {
      leave();
      if (tool.pid !== undefined) killQuietly(-tool.pid, "SIGKILL");
      tool.unref();
      fail(why);
    };
    const end = () => {
      leave();
      const { exitCode, signalCode } = tool;
      if (exitCode === 0) resolve(Buffer.concat(output).toString());
      else fail(`${signalCode ?? `exit code ${exitCode}`} ${Buffer.concat(errors).toString().trim().slice(-500)}`);
    };
    tool.stdout.on("data", (bytes: Buffer) => output.push(bytes));
    tool.stderr.on("data", (bytes: Buffer) => errors.push(bytes));
    tool.on("error", (error) => {
      leave();
      fail(error.message, error);
    });
    tool.on("exit", () => {
      // From here on its number may be another's.
      late.cancel();
      signal?.removeEventListener("abort", abort);
      draining = setSilenceTimer(systemClock, drainMs, end);
    });
    tool.on("close", end);
    tool.stdin.on("error", () => {});
    tool.stdin.end(input);
    signal?.addEventListener("abort", abort, { once: true });
    const late = systemClock.setTimer(timeoutMs, () => giveUp(`it has not ended within ${timeoutMs / 1000} s`));
  });
}
