import { type Lane, type LaneWeights, lanes } from "../executions/lanes.ts";

/**
 * The lanes that each claim asks, in order, again and again. A lane begins as many of them as its weight is, spread
 * over the round, so that a busy lane cannot starve the others; what it leaves free goes to the others.
 */
export function laneOrders(weights: LaneWeights): readonly (readonly Lane[])[] {
  const total = lanes.reduce((sum, lane) => sum + weights[lane], 0);
  const credits = { high: 0, regular: 0, low: 0 };
  return Array.from({ length: total }, () => {
    for (const lane of lanes) credits[lane] += weights[lane];
    const first = lanes.reduce((best, lane) => (credits[lane] > credits[best] ? lane : best));
    credits[first] -= total;
    return [first, ...lanes.filter((lane) => lane !== first)];
  });
}
