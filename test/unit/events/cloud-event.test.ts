import { describe, expect, test } from "vitest";
import { cloudEventSchema } from "../../../src/events/cloud-event.ts";

const valid = { specversion: "1.0", id: "1", source: "/orders", type: "order.placed" };

function problems(event: unknown): string[] {
  const parsed = cloudEventSchema.safeParse(event);
  return parsed.success ? [] : parsed.error.issues.map(({ path, message }) => `${path.join(".")}: ${message}`);
}

describe("a CloudEvent", () => {
  test.each([
    {},
    { data: null },
    { data: [1, "two", { three: 3 }] },
    { data_base64: "AAEC", datacontenttype: "image/png" },
    { time: "2026-01-31T12:00:00.123+01:00", subject: "Zürich, 東京, 🎉" },
    { comexample: "x", flag: true, count: 7 },
  ])("is accepted with %j", (extra) => {
    expect(problems({ ...valid, ...extra })).toEqual([]);
  });

  test.each([
    [{ specversion: "0.3" }, "specversion"],
    [{ id: "" }, "id"],
    [{ id: 7 }, "id"],
    [{ source: "has space" }, "source"],
    [{ type: "order.*" }, "type"],
    [{ type: "a\u0000b" }, "type"],
    [{ subject: "\ud800" }, "subject"],
    [{ time: "yesterday" }, "time"],
    [{ time: "2026-13-01T00:00:00Z" }, "time"],
    [{ data_base64: "no base64!" }, "data_base64"],
    [{ data: 1, data_base64: "AAEC" }, "data_base64"],
    [{ Upper: "x" }, "Upper"],
    [{ nested: { a: 1 } }, "nested"],
    [{ fraction: 1.5 }, "fraction"],
    [{ id: "x".repeat(1025) }, "id"],
  ])("is refused with %j, naming %s", (change, name) => {
    expect(problems({ ...valid, ...change }).join("\n")).toMatch(new RegExp(`^${name}:`, "m"));
  });

  test.each(["specversion", "id", "source", "type"])("is refused without %s", (name) => {
    const { [name as keyof typeof valid]: _, ...rest } = valid;
    expect(problems(rest).join()).toMatch(new RegExp(`^${name}:`));
  });

  test.each([null, [], "text", 7])("is no %j", (value) => {
    expect(problems(value)).toHaveLength(1);
  });
});
