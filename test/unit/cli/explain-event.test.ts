import { expect, test } from "vitest";
import type { EventAnswer, LinkAnswer } from "../../../src/cli/connection/wire.ts";
import { explainEvent } from "../../../src/cli/why/explain-event.ts";
import { eventAnswer, executionAnswer } from "./flow-answers.ts";

const paint = (_style: unknown, text: string) => text;
const now = Date.parse("2026-01-31T12:00:00Z");

function link(id: string, eventType: string, more: Partial<LinkAnswer> = {}): LinkAnswer {
  return {
    id,
    project: "default",
    service: "audit",
    version: "active",
    eventType,
    filter: null,
    active: true,
    origin: "manifest",
    ...more,
  };
}

function told(
  entry: EventAnswer,
  links: LinkAnswer[],
  executions = [] as ReturnType<typeof executionAnswer>[],
): string {
  return explainEvent({ entry, executions, links }, paint, now);
}

function miss(linkId: string, reason: string) {
  return { linkId, project: "default", service: "audit", matched: false, reason, executionId: null };
}

test("a match is told with what it started and how that ended", () => {
  const entry = eventAnswer("placed", 0);
  entry.links = [
    { linkId: "l1", project: "default", service: "price", matched: true, reason: null, executionId: "e1" },
  ];
  const text = told(entry, [link("l1", "type.placed")], [executionAnswer("e1", "placed")]);
  expect(text).toContain("1 of 1 link that names its type matched");
  expect(text).toContain("✓ default/price  link l1");
  expect(text).toContain("execution e1 completed in 85 ms");
});

test("a failed run is followed by the commands that show and repeat it", () => {
  const entry = eventAnswer("placed", 0);
  entry.links = [
    { linkId: "l1", project: "default", service: "price", matched: true, reason: null, executionId: "e1" },
  ];
  const text = told(entry, [link("l1", "type.placed")], [executionAnswer("e1", "placed", { status: "failed" })]);
  expect(text).toContain("fx show e1");
  expect(text).toContain("fx retry e1");
});

test.each([
  ["the link is switched off", {}, "fx links change l1 --on"],
  ["the service is switched off", {}, "fx services change default/audit --on"],
  ['the service has no version "v9"', {}, "fx links change l1 --version active"],
  [
    "filter is false: event.data.total > 100",
    { filter: "event.data.total > 100" },
    "fx links change l1 --filter '<expression>'",
  ],
])("a near miss says why, and the command that changes it: %s", (reason, more, fix) => {
  const entry = eventAnswer("placed", 0, { outcome: "unmatched" });
  entry.links = [miss("l1", reason)];
  const text = told(entry, [link("l1", "type.placed", more)]);
  expect(text).toContain(`      ${reason}\n`);
  expect(text).toContain(`to change that: ${fix}`);
});

test("a type that nobody wants names the one that was probably meant, and the command that links it", () => {
  const entry = eventAnswer("x", 0, { type: "order.palced", outcome: "unmatched" });
  const text = told(entry, [link("l1", "order.placed"), link("l2", "weather.summary")]);
  expect(text).toContain('No link named the type "order.palced"');
  expect(text).toContain('Was "order.placed" meant?');
  expect(text).toContain("fx link order.palced <service>");
});

test("a link made after the event says that it counts from the next event on", () => {
  const entry = eventAnswer("x", 0, { type: "order.placed", outcome: "unmatched" });
  expect(told(entry, [link("l1", "order.*")])).toContain("Since then the type was linked to default/audit");
});
