import type { Labels, MetricKind } from "./figure.ts";

/** One metric with one set of labels, through time. */
export interface Series {
  name: string;
  kind: MetricKind;
  labels: Labels;
  /** What was measured from `at` until a step later, in order of time; steps without a measurement are left out. */
  steps: readonly { at: number; average: number; highest: number }[];
}

export const combinations = ["sum", "average", "highest"] as const;
/** How series that are not told apart become one. */
export type Combination = (typeof combinations)[number];

export interface CombinedSeries {
  /** Those that series were told apart by; one that a series does not have is "". */
  labels: Labels;
  points: { at: number; value: number }[];
}

/**
 * Series of one metric as a person asks for them. Of a counter the value is its growth a second, of a gauge its average in the step,
 * or its highest. The first step of a counter tells nothing: what it has grown from is not known.
 */
export function combineSeries(
  series: readonly Series[],
  { by, how, stepMs }: { by: readonly string[]; how: Combination; stepMs: number },
): CombinedSeries[] {
  const groups = new Map<string, { labels: Labels; values: Map<number, number[]> }>();
  for (const { labels, kind, steps } of series) {
    const kept = Object.fromEntries(by.map((name) => [name, labels[name] ?? ""]));
    const key = JSON.stringify(kept);
    const group = groups.get(key) ?? { labels: kept, values: new Map<number, number[]>() };
    groups.set(key, group);
    for (const { at, value } of valuesOf(kind, steps, how, stepMs)) {
      const values = group.values.get(at);
      if (values) values.push(value);
      else group.values.set(at, [value]);
    }
  }
  return [...groups.values()].map(({ labels, values }) => ({
    labels,
    points: [...values]
      .map(([at, all]) => ({ at, value: combine(all, how) }))
      .sort((left, right) => left.at - right.at),
  }));
}

function valuesOf(
  kind: MetricKind,
  steps: Series["steps"],
  how: Combination,
  stepMs: number,
): { at: number; value: number }[] {
  if (kind === "gauge") {
    return steps.map(({ at, average, highest }) => ({ at, value: how === "highest" ? highest : average }));
  }
  return steps.slice(1).map(({ at, highest }, index) => {
    const before = steps[index] as Series["steps"][number];
    // Steps that nobody measured in had their part of the growth.
    const seconds = Math.max(stepMs, at - before.at) / 1000;
    return { at, value: Math.max(0, highest - before.highest) / seconds };
  });
}

function combine(values: readonly number[], how: Combination): number {
  if (how === "highest") return values.reduce((highest, value) => Math.max(highest, value), Number.NEGATIVE_INFINITY);
  const sum = values.reduce((total, value) => total + value, 0);
  return how === "sum" ? sum : sum / values.length;
}
