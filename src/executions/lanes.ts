/** Lanes in the order they are served. */
export const lanes = ["high", "regular", "low"] as const;
export type Lane = (typeof lanes)[number];

/** Priority 1 (highest) to 10 (lowest): high 1-3, regular 4-7, low 8-10. */
export function laneOf(priority: number): Lane {
  if (priority <= 3) return "high";
  return priority <= 7 ? "regular" : "low";
}
