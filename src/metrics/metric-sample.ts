import { z } from "zod";
import { topics } from "../events/topics.ts";
import { type Labels, metricKinds } from "./figure.ts";

/** A longer text of a label, or more labels, is no label. */
const maxLabelChars = 256;
const labels = z.record(z.string().max(maxLabelChars), z.string().max(maxLabelChars));

const sampleSchema = z.object({
  at: z.int().nonnegative(),
  labels,
  values: z.array(
    z.object({
      name: z.string().min(1).max(maxLabelChars),
      kind: z.enum(metricKinds),
      labels: labels.optional(),
      value: z.number(),
    }),
  ),
});

/**
 * What one process measured of itself at one time, in milliseconds since the epoch: a record of `fx.metrics`, in JSON. `labels` are
 * those of every value in it.
 */
export type MetricSample = z.output<typeof sampleSchema>;
export type MetricValue = MetricSample["values"][number];

const headers = { "content-type": "application/vnd.streamzero.metrics+json" };

/** A record for `Bus.publish`. Its key is the process: what one measures stays in order. */
export function encodeMetricSample(
  process: string,
  sample: MetricSample,
): { topic: string; key: string; value: Uint8Array; headers: Readonly<Record<string, string>> } {
  return { topic: topics.metrics, key: process, value: Buffer.from(JSON.stringify(sample)), headers };
}

/** Undefined when the bytes are not a sample. */
export function decodeMetricSample(value: Uint8Array): MetricSample | undefined {
  try {
    return sampleSchema.parse(JSON.parse(Buffer.from(value).toString("utf8")));
  } catch {
    return undefined;
  }
}

/** The same for the same labels, in whatever order they were given. */
export function labelsText(given: Labels): string {
  const sorted = Object.entries(given).sort(([left], [right]) => (left < right ? -1 : 1));
  return JSON.stringify(Object.fromEntries(sorted));
}
