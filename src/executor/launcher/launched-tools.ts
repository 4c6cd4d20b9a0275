import { sleep, systemClock } from "../../foundation/clock.ts";
import { PlatformError } from "../../foundation/errors.ts";
import { noLimits } from "../../services/run-limits.ts";
import type { User } from "../isolation/run-users.ts";
import { type RunTool, toolEnvironment, toolMs } from "../runtimes/run-tool.ts";
import type { LaunchEnd, Launcher, LaunchListener, LaunchRequest } from "./launcher.ts";

/** A tool says no more than it has found in the files of one service. */
const outputCapBytes = 16 * 1024 * 1024;
const killMs = 60_000;
/** Longer than a launcher that died young is waited with (restart-delay.ts), and than it takes to start. */
const restartMs = 20_000;

/**
 * As `runTool`, without a spawn by this process, which may be large by now. It is started in `/`, so paths are whole. What it leaves behind
 * ends with it.
 */
export function launchedTools(launcher: Launcher<LaunchRequest>): RunTool {
  return async (command, args, input = "", env = toolEnvironment, { timeoutMs = toolMs, signal } = {}) => {
    const output: Uint8Array[] = [];
    const errors: Uint8Array[] = [];
    const asked = { command, args: [...args], cwd: "/", env, input, user: undefined, outputCapBytes };
    const end = await launch(launcher, { ...asked, ttlMs: timeoutMs }, signal, (stream, bytes) => {
      (stream === "stdout" ? output : errors).push(bytes);
    });
    const why = signal?.aborted ? "it is not needed any more" : hindrance(end, timeoutMs);
    if (why === undefined) return Buffer.concat(output).toString();
    const said = Buffer.concat(errors).toString().trim().slice(-500);
    throw new PlatformError("unavailable", `'${command}' failed: ${why} ${said}`.trimEnd());
  };
}

/**
 * Kills every process of a user at one moment, so that none can slip away by forking and ending between two looks. The
 * kernel does it for a process of that user (kill(2), -1). Resolves when done; where it cannot be, it rejects with `unavailable`.
 */
export async function killAllOfUser(launcher: Launcher<LaunchRequest>, user: User): Promise<void> {
  const asked = { command: "/bin/sh", args: ["-c", "kill -9 -1"], cwd: "/", env: {}, user, outputCapBytes: 0 };
  const end = await launch(launcher, { ...asked, ttlMs: killMs });
  if (end.kind !== "lost" && end.kind !== "unstartable") return;
  throw new PlatformError("unavailable", `the processes of user ${user.uid} cannot be ended: ${end.message}`);
}

/** What is no script has no limits but its time. */
export type ToolRequest = Omit<LaunchRequest, "isTool" | "limits" | "setAsideBytes">;

/**
 * Resolves when its process group is gone and all that it printed was given to `output`. It is killed when `signal` aborts. A launcher that
 * died is waited for: it is started again.
 */
export async function launch(
  launcher: Launcher<LaunchRequest>,
  request: ToolRequest,
  signal?: AbortSignal,
  output: LaunchListener["output"] = () => {},
): Promise<LaunchEnd> {
  await readyOf(launcher, signal);
  return new Promise((resolve) => {
    const stop = () => launched.stop(0);
    const tool = { ...request, isTool: true, limits: noLimits, setAsideBytes: 0 } as const;
    const launched = launcher.start(tool, {
      started() {},
      output,
      ended(end) {
        signal?.removeEventListener("abort", stop);
        resolve(end);
      },
    });
    signal?.addEventListener("abort", stop, { once: true });
    if (signal?.aborted) stop();
  });
}

/** Where it does not come back, what is started ends as lost. */
async function readyOf(launcher: Launcher<LaunchRequest>, signal: AbortSignal | undefined): Promise<void> {
  const over = new AbortController();
  const isLate = sleep(systemClock, restartMs, AbortSignal.any(signal ? [signal, over.signal] : [over.signal]));
  await Promise.race([launcher.ready(), isLate]);
  over.abort();
}

/** Undefined: it did what it was asked. */
function hindrance(end: LaunchEnd, timeoutMs: number): string | undefined {
  switch (end.kind) {
    case "exited":
      if (end.truncated) return `it printed more than ${outputCapBytes} bytes`;
      return end.code === 0 ? undefined : `exit code ${end.code}`;
    case "signalled":
      return end.signal;
    case "expired":
      return `it has not ended within ${timeoutMs / 1000} s`;
    case "overrun":
      return `it used more than its ${end.limit}`;
    case "lost":
    case "unstartable":
      return end.message;
  }
}
