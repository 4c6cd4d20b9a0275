import { expect, it } from "vitest";
import { eventTypePattern } from "../../../src/events/event-type-pattern.ts";

const problemOf = (pattern: string) => eventTypePattern.safeParse(pattern).error?.issues[0]?.message;

it.each([
  "order.placed",
  "order.*",
  "fxrate.changed",
  "fx.*",
  "fx.execution.*",
  "fx.execution.failed",
  "fx.alert.raised",
])("takes %s", (pattern) => {
  expect(problemOf(pattern)).toBeUndefined();
});

it.each([
  [
    "fx.execution.finished",
    /none of the platform's own event types.*: fx\.execution\.started, fx\.execution\.completed/,
  ],
  ["FX.Execution.Failed", /: fx\.execution\.started, /],
  ["fx.execution", /: fx\.execution\.started, /],
  ["fx.alerts.*", /fx\.service\.run_requested, .*fx\.alert\.resolved$/],
  ["order placed", /must be an event type/],
  ["*", /must be an event type/],
])("refuses %s", (pattern, words) => {
  expect(problemOf(pattern)).toMatch(words);
});
