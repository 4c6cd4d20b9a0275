import { type Clock, sleep } from "../../foundation/clock.ts";
import type { RunLimits } from "../../services/run-limits.ts";
import type { ContainerUsage } from "./container-engine.ts";

/** Between two looks; the kernel's own limits hold in between. */
const lookMs = 1_000;

export interface UsageWatchParts {
  limits: RunLimits;
  clock: Clock;
  usage(signal: AbortSignal): Promise<ContainerUsage>;
  /** It has used more processor time than it may; called at each look until it has ended. */
  overran(): Promise<void>;
  /** It has as many processes and threads as it may; told once. */
  filled(): Promise<void>;
}

/**
 * Looks at what a container uses until `signal` aborts. No engine ends a container for its processor time: the kernel's limit
 * holds for each of its processes, and this for all of them together. Nor does one tell that the kernel refused a process.
 */
export async function watchUsage(parts: UsageWatchParts, signal: AbortSignal): Promise<void> {
  const { cpuSeconds = Infinity, processes = Infinity } = parts.limits;
  let isFilled = false;
  for (;;) {
    await sleep(parts.clock, lookMs, signal);
    if (signal.aborted) return;
    // One that has just ended has no usage any more; an engine that is away is seen to by who reads its output.
    const used = await parts.usage(signal).catch(() => undefined);
    if (used === undefined) continue;
    if (used.cpuSeconds >= cpuSeconds) await parts.overran().catch(() => {});
    if (used.processes >= processes && !isFilled) {
      isFilled = true;
      await parts.filled();
    }
  }
}
