import type { Settings } from "./settings.ts";

const fewest = 8;

/** How many processes may stay for further runs: of one warm service no run need be without, however many slots there are. */
export function warmProcessesOf({
  slots,
  warmProcesses,
}: Pick<Settings["executor"], "slots" | "warmProcesses">): number {
  return warmProcesses ?? Math.max(fewest, slots);
}
