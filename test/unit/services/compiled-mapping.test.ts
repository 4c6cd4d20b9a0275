import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { CloudEvent } from "../../../src/events/cloud-event.ts";
import { parsePath } from "../../../src/events/data-path.ts";
import type { MappingField, MappingStrategy } from "../../../src/events/mapping.ts";
import type { Json } from "../../../src/foundation/json.ts";
import { celToJson } from "../../../src/services/cel-json.ts";
import { compileMapping, mappingProblemsOf } from "../../../src/services/compiled-mapping.ts";
import { compileFilter } from "../../../src/services/filter.ts";

const order: Json = { user: { id: 7, "a.b": "dotted" }, items: [{ sku: "x" }], none: null };

function apply(fields: MappingField[], { data = order, strategy = "mapped" as MappingStrategy } = {}) {
  const event: CloudEvent = { specversion: "1.0", id: "1", source: "/t", type: "a", subject: "s", data };
  return compileMapping({ strategy, fields }, compileFilter).apply(event);
}

const problemsOf = (fromType: string, toType: string, fields: MappingField[] = []) =>
  mappingProblemsOf({ fromType, toType, fields, filter: undefined }).map(({ path }) => path);

describe("a mapping", () => {
  test("builds nested data from paths, constants and expressions", () => {
    const fields = [
      { target: "data.customer.id", from: "data.user.id" },
      { target: "data.customer.name", from: 'data.user["a.b"]' },
      { target: "data.sku", from: "data.items[0].sku" },
      { target: "data.kind", value: "order" },
      { target: "data.double", expression: "event.data.user.id * 2" },
      { target: "data.kept", from: "data.none" },
      { target: "subject", from: "data.user.id" },
    ];
    expect(apply(fields)).toEqual({
      ok: true,
      left: [],
      content: {
        subject: "7",
        datacontenttype: "application/json",
        data: { customer: { id: 7, name: "dotted" }, sku: "x", kind: "order", double: 14, kept: null },
      },
    });
  });

  test("leaves out what is missing, takes a default for it, or fails where it is required", () => {
    const missing = { target: "data.x", from: "data.not.there" };
    expect(apply([missing])).toEqual({ ok: true, left: ["data.x"], content: {} });
    expect(apply([{ ...missing, default: 3 }])).toMatchObject({ content: { data: { x: 3 } } });
    expect(apply([{ ...missing, required: true }])).toMatchObject({ ok: false, problems: [{ path: "fields[0]" }] });
    expect(apply([{ target: "data.x", expression: "event.data.nope.n" }])).toMatchObject({ ok: false });
  });

  test("lays fields over all data, and changes nothing of the event itself", () => {
    const before = JSON.stringify(order);
    const fields = [
      { target: "data.owner", from: "data.user" },
      { target: "data.owner.id", value: 8 },
      { target: "data.user.seen", value: true },
    ];
    expect(apply(fields, { strategy: "all" })).toMatchObject({
      content: { subject: "s", data: { owner: { id: 8 }, user: { id: 7, seen: true }, items: [{ sku: "x" }] } },
    });
    expect(JSON.stringify(order)).toBe(before);
    expect(apply([{ target: "data.items.x", value: 1 }], { strategy: "all" })).toMatchObject({
      problems: [{ message: expect.stringContaining("data.items is a list") }],
    });
  });

  test("onto its own type is refused, also by way of a prefix; so is a reserved type", () => {
    expect(problemsOf("a.b", "a.b")).toEqual(["toType"]);
    expect(problemsOf("a.*", "a.b")).toEqual(["toType"]);
    expect(problemsOf("a.*", "b")).toEqual([]);
    expect(problemsOf("a", "fx.execution.failed")).toEqual(["toType"]);
    expect(problemsOf("a", "FX.mine")).toEqual(["toType"]);
    expect(problemsOf("fx.webhook.incoming", "order.placed")).toEqual([]);
  });

  test("names each field that is wrong", () => {
    const fields: MappingField[] = [
      { target: "data.__proto__.x", value: 1 },
      { target: "id", value: 1 },
      { target: "data.list[0]", value: 1 },
      { target: "data.a", from: "data..x" },
      { target: "data.b" },
      { target: "data.c", expression: "1 +" },
      { target: "data.d", value: 1 },
      { target: "data.d", value: 2 },
    ];
    expect(problemsOf("a", "b", fields)).toEqual([
      "fields[0].target",
      "fields[1].target",
      "fields[2].target",
      "fields[3].from",
      "fields[4].from",
      "fields[7].target",
      "fields[5].expression",
    ]);
  });

  test("never reaches a prototype, whatever the keys of path and data", () => {
    const key = fc.oneof(fc.constantFrom("__proto__", "constructor", "prototype", "toString"), fc.string());
    fc.assert(
      fc.property(fc.array(key, { minLength: 1, maxLength: 4 }), fc.jsonValue(), (keys, value) => {
        const path = `data${keys.map((name) => `[${JSON.stringify(name)}]`).join("")}`;
        const reading = parsePath(path);
        expect(reading.ok).toBe(!keys.includes("__proto__"));
        if (!reading.ok) return;
        expect(reading.steps).toEqual(["data", ...keys]);
        const given = JSON.parse(JSON.stringify(value)) as Json;
        const made = apply([{ target: path, value: given }], { data: {} });
        expect(made.ok).toBe(true);
        const read = keys.reduce(
          (inner, name) => Object.getOwnPropertyDescriptor(inner, name)?.value,
          (made as { content: { data: unknown } }).content.data,
        );
        expect(read).toEqual(given);
        expect(Object.keys(Object.prototype)).toEqual([]);
      }),
    );
  });

  test("a path that is no path is refused, and never throws", () => {
    fc.assert(fc.property(fc.string(), (text) => typeof parsePath(text).ok === "boolean"));
    for (const text of ["", ".", "data.", "[0]", "data[", "data[-1]", "data.[0]", 'data["x]']) {
      expect(parsePath(text), text).toMatchObject({ ok: false });
    }
  });
});

describe("values of expressions as JSON", () => {
  const value = (expression: string) => {
    const computed = compileFilter(expression).value({ specversion: "1.0", id: "1", source: "/t", type: "a" });
    return computed.ok ? celToJson(computed.value) : computed.reason;
  };

  test("are written as the protobuf JSON mapping has them", () => {
    expect(value("1 + 1")).toBe(2);
    expect(value("9007199254740993")).toBe("9007199254740993");
    expect(value("5u")).toBe(5);
    expect(value('timestamp("2026-01-31T12:00:00Z")')).toBe("2026-01-31T12:00:00.000Z");
    expect(value('duration("1.5s")')).toBe("1.5s");
    expect(value('b"abc"')).toBe("YWJj");
    expect(value("[1, true, null]")).toEqual([1, true, null]);
    expect(value('{"a": 1}')).toEqual({ a: 1 });
    expect(value("optional.none()")).toBeUndefined();
    expect(value("optional.of(3)")).toBe(3);
    expect(celToJson(Number.NaN)).toBe("NaN");
    expect(celToJson(Number.NEGATIVE_INFINITY)).toBe("-Infinity");
  });

  test("are JSON under whatever keys", () => {
    const keyed = new Map<unknown, unknown>([
      [1n, "n"],
      [true, "b"],
      [{ toString: 0 }, "o"],
      [null, "z"],
    ]);
    expect(celToJson(keyed)).toEqual({ 1: "n", true: "b", '{"toString":0}': "o", null: "z" });
  });

  test("are JSON, whatever they were", () => {
    fc.assert(
      fc.property(fc.anything({ withBigInt: true, withDate: true, withMap: true, withSet: true }), (anything) => {
        const json = celToJson(anything);
        if (json !== undefined)
          expect(celToJson(JSON.parse(JSON.stringify(json)))).toEqual(JSON.parse(JSON.stringify(json)));
      }),
    );
  });
});
