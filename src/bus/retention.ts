import { topics } from "../events/topics.ts";

const dayMs = 24 * 60 * 60 * 1000;

const defaults: Readonly<Record<string, number>> = {
  [topics.events]: 7 * dayMs,
  [topics.platform]: 7 * dayMs,
  [topics.deadLetter]: 7 * dayMs,
  [topics.logs]: dayMs,
  [topics.metrics]: dayMs,
};

/** How long records of a topic are kept (rule D13), in milliseconds. */
export function retentionOf(topic: string, given: Readonly<Record<string, number>> | undefined): number {
  return given?.[topic] ?? defaults[topic] ?? 7 * dayMs;
}

/** Kept for ever, but only the newest record of each key. */
export const compactedTopics: ReadonlySet<string> = new Set([topics.state]);
