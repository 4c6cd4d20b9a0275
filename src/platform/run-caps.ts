import { totalmem } from "node:os";
import type { Settings } from "../config/settings.ts";
import type { RunLimits } from "../services/run-limits.ts";

/** What no run may pass. Without a setting half of the machine's memory, so that one run never takes all of it. */
export function runCaps({ executor, limits }: Settings): RunLimits {
  const { memoryBytes = Math.floor(totalmem() / 2), cpuSeconds, processes, openFiles } = executor;
  return { memoryBytes, cpuSeconds, processes, openFiles, outputBytes: limits.outputBytes };
}
