/** Lanes in the order they are served. */
export const lanes = ["high", "regular", "low"] as const;
export type Lane = (typeof lanes)[number];

/** In how many claims of a round each lane is asked first. */
export type LaneWeights = Record<Lane, number>;

/** Weights as the setting has them, in the order of `lanes`: `7:2:1`. */
export function readLaneWeights(text: string): LaneWeights {
  const [high = 1, regular = 1, low = 1] = text.split(":").map(Number);
  return { high, regular, low };
}

const priorities = { high: [1, 3], regular: [4, 7], low: [8, 10] } as const satisfies Record<Lane, readonly number[]>;

/** Priority 1 (highest) to 10 (lowest): high 1-3, regular 4-7, low 8-10. */
export function laneOf(priority: number): Lane {
  if (priority <= priorities.high[1]) return "high";
  return priority <= priorities.regular[1] ? "regular" : "low";
}

/** The priority of that lane nearest to the given one: who is moved there passes nobody of its own priorities. */
export function priorityIn(lane: Lane, priority: number): number {
  const [highest, lowest] = priorities[lane];
  return Math.min(Math.max(priority, highest), lowest);
}
