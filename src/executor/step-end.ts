import type { LimitName, RunLimits } from "../services/run-limits.ts";
import type { LaunchEnd } from "./launcher/launcher.ts";
import type { RunningStep, StepRequest, StepResult } from "./step-runner.ts";

export type StopReason = Parameters<RunningStep["stop"]>[0];

/** What is known of a step once its process, or its turn in one, has ended. */
export interface StepEnd {
  end: LaunchEnd;
  outputBytes: number;
  truncated: boolean;
  /** At whose wish it was stopped. */
  stopped: StopReason | undefined;
  timedOut: boolean;
  /** Why not all that the script sent is kept. */
  failure: string | undefined;
  /** The limit over which the script failed, by its own account. */
  overrun: LimitName | undefined;
}

/** The outcome of a step. The earlier reason wins: a script that was stopped has not failed. */
export function stepResultOf(
  of: StepEnd,
  { limits, timeoutMs }: Pick<StepRequest, "limits" | "timeoutMs">,
): StepResult {
  const { end, outputBytes, truncated, stopped } = of;
  if (end.kind === "unstartable" || end.kind === "lost") return end;
  const seen = { outputBytes, truncated };
  if (stopped) return { kind: "stopped", reason: stopped, ...seen };
  if (end.kind === "expired") return { kind: "stopped", reason: "lease-lost", ...seen };
  // What the script sent is not all durable, through no fault of its own: the attempt must not count (rule D9).
  if (of.failure !== undefined)
    return { kind: "lost", message: `not all that the script sent could be kept: ${of.failure}` };
  if (of.timedOut) return { kind: "timeout", timeoutMs, ...seen };
  const limit = overrunOf(end, of.overrun, limits);
  if (limit !== undefined) return { kind: "overrun", ...limit, ...seen };
  if (end.kind === "overrun") return { kind: "exited", exitCode: 1, ...seen };
  if (end.kind === "exited") return { kind: "exited", exitCode: end.code, ...seen };
  return { kind: "signalled", signal: end.signal, ...seen };
}

/** The limit that ended the run, by the word of whoever ended it, by its signal, or by the script's own last error. */
function overrunOf(
  end: LaunchEnd,
  told: LimitName | undefined,
  limits: RunLimits,
): { limit: LimitName; value: number } | undefined {
  const named = end.kind === "overrun" ? end.limit : isOutOfTime(end, limits) ? "cpuSeconds" : undefined;
  const failed = end.kind === "signalled" || (end.kind === "exited" && end.code !== 0);
  const limit = named ?? (failed ? told : undefined);
  const value = limit && limits[limit];
  return limit !== undefined && value !== undefined ? { limit, value } : undefined;
}

/** The kernel's first word is SIGXCPU; to who does not listen its second one is SIGKILL. */
function isOutOfTime(end: LaunchEnd, { cpuSeconds = Infinity }: RunLimits): boolean {
  if (end.kind !== "signalled") return false;
  return end.signal === "SIGXCPU" || (end.signal === "SIGKILL" && (end.used?.cpuMs ?? 0) >= cpuSeconds * 1000);
}
