import { expect, it } from "vitest";
import { hasEnded } from "../../../src/cli/flow/has-ended.ts";
import { eventAnswer, executionAnswer } from "./flow-answers.ts";

const made = { mappingId: "m", toType: "type.made", matched: true, eventKey: "made" };
const mapped = { ...eventAnswer("first", 0), mappings: [made] };

it("has ended when all events are routed and all runs have ended", () => {
  expect(hasEnded({ events: [eventAnswer("first", 0)], executions: [executionAnswer("run", "first")] })).toBe(true);
});

it("has not ended while a run goes on or an event waits for the router", () => {
  const running = executionAnswer("run", "first", { status: "in_progress" });
  expect(hasEnded({ events: [eventAnswer("first", 0)], executions: [running] })).toBe(false);
  expect(hasEnded({ events: [eventAnswer("first", 0, { outcome: "pending" })], executions: [] })).toBe(false);
});

it("has not ended while an event that a mapping made is on its way", () => {
  expect(hasEnded({ events: [mapped], executions: [] })).toBe(false);
  expect(hasEnded({ events: [mapped, eventAnswer("made", 5)], executions: [] })).toBe(true);
});

it("does not wait for an event that the answer has no room for", () => {
  expect(hasEnded({ events: [mapped], executions: [], truncated: true })).toBe(true);
});
