import { bugsOfMapping } from "./bugs-of-mapping.ts";
import { bugsOfRouting } from "./bugs-of-routing.ts";
import { bugsOfRunning } from "./bugs-of-running.ts";
import { bugsOfScheduling } from "./bugs-of-scheduling.ts";
import type { PlantedBug } from "./planted-bug.ts";

/** One or more for each rule of delivery. */
export const plantedBugs: readonly PlantedBug[] = [
  ...bugsOfRouting,
  ...bugsOfMapping,
  ...bugsOfRunning,
  ...bugsOfScheduling,
];
