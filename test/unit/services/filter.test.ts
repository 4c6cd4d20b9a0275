import { describe, expect, test } from "vitest";
import type { CloudEvent } from "../../../src/events/cloud-event.ts";
import { isPlatformError } from "../../../src/foundation/errors.ts";
import type { Json } from "../../../src/foundation/json.ts";
import { compileFilter } from "../../../src/services/filter.ts";

function event(data: Json): CloudEvent {
  return { specversion: "1.0", id: "1", source: "/test", type: "order.placed", data };
}

function reasonOf(expression: string, data: Json): string {
  const verdict = compileFilter(expression).test(event(data));
  return verdict.matched ? "matched" : verdict.reason;
}

describe("a filter", () => {
  test.each([
    ["event.data.total > 100", { total: 101 }],
    ["event.data.total > 100.5", { total: 101 }],
    ["event.data.total == 3", { total: 3 }],
    ["event.data.n % 100 == 0 && 2 * event.data.n == 400 && event.data.n / 3 > 66.6", { n: 200 }],
    ["event.data.n + 1 - event.data.f == 199.5 && event.data.n % event.data.f == 0.5", { n: 200, f: 1.5 }],
    ['event.type == "order.placed" && event.data.vip', { vip: true }],
    ['event.data.country in ["CH", "DE"]', { country: "CH" }],
    ['has(event.data.coupon) && event.data.coupon != ""', { coupon: "x" }],
    ["event.data.items.exists(item, item.quantity >= 10)", { items: [{ quantity: 1 }, { quantity: 12 }] }],
  ])("matches what it says: %s", (expression, data) => {
    expect(compileFilter(expression).test(event(data))).toEqual({ matched: true });
  });

  test("that is false says so with its own text", () => {
    expect(reasonOf("event.data.total > 100", { total: 7 })).toBe("filter is false: event.data.total > 100");
  });

  test("does not match when a key is missing, and names the key", () => {
    expect(reasonOf("event.data.total > 100", {})).toMatch(/could not be evaluated.*total/);
  });

  test("does not match when its value is neither true nor false", () => {
    expect(reasonOf("event.data.total", { total: 7 })).toMatch(/not true or false/);
  });

  test.each(["event.data.", "1 +", "unknown.data == 1", "event.data.total >"])(
    "is refused when it is no CEL: %s",
    (expression) => {
      expect(() => compileFilter(expression)).toThrow(expect.objectContaining({ code: "invalid-input" }));
    },
  );

  test("of more than 4,096 characters is refused", () => {
    expect(() => compileFilter(`event.type == "${"x".repeat(5000)}"`)).toThrow(/longer than 4096/);
  });

  test.each([
    'event.constructor.constructor("return process")()',
    'event.__proto__ == "x"',
    "event.data.constructor == 1",
    "event.toString() == 'x'",
  ])("cannot reach the host's objects: %s", (expression) => {
    let reason: string;
    try {
      reason = reasonOf(expression, {});
    } catch (error) {
      reason = isPlatformError(error, "invalid-input") ? "refused" : String(error);
    }
    expect(reason).toMatch(/^refused$|could not be evaluated/);
  });

  test("gives the text of scalar values for concurrency keys, and none for others", () => {
    expect(compileFilter("event.data.customer").text(event({ customer: 42 }))).toBe("42");
    expect(compileFilter("event.data.customer").text(event({}))).toBeUndefined();
    expect(compileFilter("event.data").text(event({}))).toBeUndefined();
  });
});
