import { describe, expect, test } from "vitest";
import type { EventKey } from "../../../src/foundation/ids.ts";
import { RecentEvents } from "../../../src/manager/api/recent-events.ts";

const key = (name: string) => name as EventKey;
const event = (sizeBytes: number) => ({ body: new Uint8Array(sizeBytes), acceptedAt: 0 });

function kept(recent: RecentEvents, names: string): string {
  return [...names].filter((name) => recent.get(key(name)) !== undefined).join("");
}

describe("recent events", () => {
  test("the oldest are forgotten past the count", () => {
    const recent = new RecentEvents({ maxCount: 2, maxBytes: 1000 });
    for (const name of "abcd") recent.add(key(name), event(1));
    expect(kept(recent, "abcd")).toBe("cd");
  });

  test("the oldest are forgotten past the size, even a first that is too large by itself", () => {
    const recent = new RecentEvents({ maxCount: 10, maxBytes: 10 });
    recent.add(key("a"), event(20));
    expect(kept(recent, "a")).toBe("");
    for (const name of "bcd") recent.add(key(name), event(5));
    expect(kept(recent, "abcd")).toBe("cd");
  });

  test("a repeat neither replaces the first nor makes it younger", () => {
    const recent = new RecentEvents({ maxCount: 2, maxBytes: 1000 });
    recent.add(key("a"), event(1));
    recent.add(key("b"), event(1));
    recent.add(key("a"), event(7));
    expect(recent.get(key("a"))?.body.length).toBe(1);
    recent.add(key("c"), event(1));
    expect(kept(recent, "abc")).toBe("bc");
  });
});
