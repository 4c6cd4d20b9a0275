import { isIPv4 } from "node:net";
import { Ajv2020 } from "ajv/dist/2020.js";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { exampleOf } from "../../../../src/events/schema/example-of.ts";
import { fitsShape } from "../../../../src/events/schema/fits-shape.ts";
import { mergeTypeShapes } from "../../../../src/events/schema/fold-shape.ts";
import { observe } from "../../../../src/events/schema/observe.ts";
import { isDataRequired, renderSchema } from "../../../../src/events/schema/render-schema.ts";
import { schemaChanges } from "../../../../src/events/schema/schema-changes.ts";
import { driftOf, settledSamples } from "../../../../src/events/schema/settled.ts";
import { emptyTypeShape, type TypeShape } from "../../../../src/events/schema/shape.ts";
import { decodeShape, encodeShape } from "../../../../src/events/schema/shape-codec.ts";
import { formatOf } from "../../../../src/events/schema/string-format.ts";
import type { Json, JsonObject } from "../../../../src/foundation/json.ts";

const ajv = new Ajv2020({
  strict: false,
  // Else every object has a "constructor".
  ownProperties: true,
  formats: {
    "date-time": (text: string) => !Number.isNaN(Date.parse(text)),
    date: (text: string) => new Date(text).toISOString().startsWith(text),
    email: /^\S+@\S+$/,
    uri: (text: string) => URL.canParse(text),
    uuid: /^[\da-fA-F]{8}(-[\da-fA-F]{4}){3}-[\da-fA-F]{12}$/,
    ipv4: (text: string) => isIPv4(text),
  },
});

function learned(samples: readonly Json[]): TypeShape {
  const shape = emptyTypeShape();
  for (const sample of samples) observe(shape, sample);
  return shape;
}

/** The same for schemas that differ in examples only. */
function withoutExamples(schema: Json): Json {
  if (Array.isArray(schema)) return schema.map(withoutExamples);
  if (typeof schema !== "object" || schema === null) return schema;
  // A list: else it is the schema of a field of that name.
  const kept = Object.entries(schema).filter(([name, value]) => !(name === "examples" && Array.isArray(value)));
  return Object.fromEntries(kept.map(([name, value]) => [name, withoutExamples(value)]));
}

const schemaOf = (...samples: Json[]) => withoutExamples(renderSchema(learned(samples))) as JsonObject;
const times = (count: number, sample: (n: number) => Json) => Array.from({ length: count }, (_, n) => sample(n));

const word = fc.constantFrom(
  "new",
  "paid",
  "a@b.de",
  "2026-01-31",
  "2026-01-31T12:00:00Z",
  "http://x.de/y",
  "10.0.0.1",
);
const key = fc.oneof(
  fc.constantFrom("id", "name", "items", "__proto__", "constructor", "a.b", "examples"),
  fc.string(),
);
const { data: anyData } = fc.letrec<{ data: Json }>((tie) => ({
  data: fc.oneof(
    { maxDepth: 4 },
    fc.oneof(
      word,
      fc.string(),
      fc.integer(),
      fc.double({ noNaN: true, noDefaultInfinity: true }),
      fc.boolean(),
      fc.constant(null),
    ),
    fc.array(tie("data"), { maxLength: 4 }),
    fc.array(fc.tuple(key, tie("data")), { maxLength: 5 }).map((entries) => Object.fromEntries(entries)),
  ) as fc.Arbitrary<Json>,
}));
const manySamples = fc.array(anyData, { minLength: 1, maxLength: 30 });

describe("the schema of a type", () => {
  test("every sample satisfies it, fits the shape, and so does the example made from it", () => {
    fc.assert(
      fc.property(manySamples, (samples) => {
        // Often enough that all of it is known.
        const shape = learned(Array.from({ length: settledSamples }, () => samples).flat());
        const schema = renderSchema(shape);
        const validate = ajv.compile(schema);
        for (const sample of samples) {
          expect(validate(sample), JSON.stringify([schema, sample])).toBe(true);
          expect(fitsShape(shape, sample)).toBe(true);
        }
        expect(validate(exampleOf(schema) as Json), JSON.stringify([schema, exampleOf(schema)])).toBe(true);
      }),
      { numRuns: 50 },
    );
  });

  test("it does not depend on the order of samples, nor on who saw which", () => {
    fc.assert(
      fc.property(manySamples, fc.nat(30), (samples, at) => {
        const [left, right] = [learned(samples.slice(at)), learned(samples.slice(0, at))];
        mergeTypeShapes(left, decodeShape(encodeShape(right)));
        const [whole, reversed] = [learned(samples), learned([...samples].reverse())];
        for (const other of [left, reversed]) {
          expect(withoutExamples(renderSchema(other))).toEqual(withoutExamples(renderSchema(whole)));
          expect([other.samples, isDataRequired(other)]).toEqual([whole.samples, isDataRequired(whole)]);
        }
      }),
      { numRuns: 50 },
    );
  });

  test("mixed types become a list, or alternatives where more than one says something of its own", () => {
    expect(schemaOf(1, "a", null)).toMatchObject({ type: ["string", "integer", "null"] });
    expect(schemaOf({ n: 1 }, [1.5])).toMatchObject({
      anyOf: [
        { type: "object", properties: { n: { type: "integer" } }, required: ["n"] },
        { type: "array", items: { type: "number" } },
      ],
    });
  });

  test("a field that some lack is optional; few strings over enough samples are an enumeration", () => {
    const schema = schemaOf(
      ...times(20, (n) => ({ state: n % 2 ? "new" : "paid", id: `id ${n}`, ...(n ? { n } : {}) })),
    );
    expect(schema).toMatchObject({
      properties: { state: { enum: ["new", "paid"] }, id: { type: "string" }, n: { type: "integer" } },
      required: ["id", "state"],
    });
    expect((schema.properties as JsonObject).id).toEqual({ type: "string" });
  });

  test("no value of a field that may hold a secret is kept, at any depth, nor a name that may be part of it", () => {
    const secret = {
      password: "hunter2-hunter2",
      auth: { accessToken: { raw: ["abc-secret-123", 4711] } },
      apiKeys: { "live-abcdef": { on: true } },
      user: "ada",
    };
    const stored = encodeShape(learned(times(30, () => secret)));
    expect(stored).toContain("ada");
    for (const hidden of ["hunter2", "abc-secret", "4711", "live-abcdef"]) expect(stored).not.toContain(hidden);
  });

  test.each([
    "Bearer abcdef123456",
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl",
    "postgres://ada:lovelace@db/shop",
    "https://files.example/x?expires=1&sig=abcdef",
    "-----BEGIN PRIVATE KEY-----",
  ])("a text that looks like a secret is not kept, whatever its field is called: %s", (text) => {
    const stored = encodeShape(learned(times(30, () => ({ note: text, list: [text] }))));
    expect(stored).not.toContain(text);
  });

  test("an object whose names are data is a map, so that each new id is not a new field", () => {
    const schema = schemaOf(...times(30, (n) => ({ stock: { [`${1000 + n}`]: { left: n } }, id: n })));
    expect(schema).toMatchObject({
      properties: {
        stock: { additionalProperties: { properties: { left: { type: "integer" } }, required: ["left"] } },
        id: { type: "integer" },
      },
    });
  });

  test("a type whose events have no data has a schema that says nothing, and no example", () => {
    const shape = emptyTypeShape();
    for (let n = 0; n < 30; n += 1) observe(shape, undefined);
    const schema = renderSchema(shape);
    expect(Object.keys(schema)).toEqual(["$schema"]);
    expect([exampleOf(schema), isDataRequired(shape), fitsShape(shape, undefined)]).toEqual([undefined, false, true]);
    expect(exampleOf(schemaOf(null))).toBeNull();
  });
});

test("formats are those that the text has beyond doubt", () => {
  const none = [
    "2023-02-29",
    "2026-02-30",
    "2026-01-31\n",
    "2026-01-31T25:00:00Z",
    "2026-12-31T23:59:60Z",
    "1.2.3.256",
    "1.2.3.04",
    "not@mail",
    "a@-b.de",
    "urn:x",
    "http://x.de#a#b",
    "http://x.de/a b",
  ];
  expect(none.map(formatOf)).toEqual(none.map(() => undefined));
  expect(["2024-02-29", "2026-01-31T23:59:59.5+14:00", "http://x.de?q#f"].map(formatOf)).toEqual([
    "date",
    "date-time",
    "uri",
  ]);
});

test("half a surrogate pair, which JSON can write and a validator cannot read, is in no schema", () => {
  const broken = { "\ud800": 1, text: "\udfff", ok: "a" };
  const schema = schemaOf(...times(30, () => broken));
  expect(schema.properties).toEqual({ ok: { type: "string", enum: ["a"] }, text: { type: "string" } });
  expect(ajv.compile(schema)(broken)).toBe(true);
  expect(JSON.stringify(renderSchema(learned([broken])))).not.toContain("\\ud");
});

describe("a shape stays small", () => {
  const longest = 200_000;
  const cases: Record<string, () => Json[]> = {
    "random names": () => times(300, (n) => ({ [`k${n}`]: n, deep: { [`x${n}`]: { [`y${n}`]: 1 } } })),
    "many names in many objects": () =>
      times(5, () =>
        Object.fromEntries(
          times(99, (n) => [`f${n}`, Object.fromEntries(times(99, (m) => [`g${m}`, "v"]) as [string, Json][])]) as [
            string,
            Json,
          ][],
        ),
      ),
    "deep nesting": () => [times(150, () => 0).reduce<Json>((inner) => ({ a: inner, b: [] }), 1)],
    "a huge array": () => [times(100_000, (n) => `item ${n}`)],
    "huge names and texts": () => times(20, (n) => ({ [`${n}`.repeat(10_000)]: "v".repeat(50_000) })),
  };
  test.each(Object.entries(cases))("%s", (_name, samples) => {
    const shape = learned(samples());
    expect(encodeShape(shape).length).toBeLessThan(longest);
    const validate = ajv.compile(renderSchema(shape));
    for (const sample of samples()) expect(validate(sample)).toBe(true);
  });
});

describe("what changed", () => {
  const versionOf = (shape: TypeShape) => ({ schema: renderSchema(shape), dataRequired: isDataRequired(shape) });
  const version = (...samples: Json[]) => versionOf(learned(samples));
  const drift = (known: readonly Json[], more: readonly Json[]) => {
    const before = learned(known);
    return driftOf(schemaChanges(versionOf(before), version(...known, ...more)), before);
  };
  const orders = times(20, () => ({ id: 1, at: "2026-01-31", state: "new", tags: [] }));

  test("changes name what a consumer must know, and not what only became more certain", () => {
    const before = version(...orders);
    expect(schemaChanges(version(...orders.slice(0, 10)), before)).toEqual([]);
    const after = version(...orders, { id: "x", at: "today", state: "gone", items: [{ n: 1 }] });
    expect(schemaChanges(before, after)).toEqual([
      { path: "data.at", what: "format", before: "date", after: null },
      { path: "data.id", what: "type", before: ["integer"], after: ["integer", "string"] },
      { path: "data.state", what: "enum", before: ["new"], after: ["gone", "new"] },
      { path: "data.tags", what: "required", before: true, after: false },
      { path: "data.items", what: "field", before: null, after: ["array"] },
    ]);
  });

  test("what has been seen seldom is not drift when it turns out to be more than was seen", () => {
    expect(drift(orders.slice(1), [{ other: 1 }])).toEqual([]);
    const withNew = [...orders, { ...(orders[0] as JsonObject), to: { day: "2026-01-31", at: [1], n: 1 } }];
    expect(drift(orders, withNew.slice(-1))).toMatchObject([{ path: "data.to", what: "field" }]);
    // The new field may be anything yet: without its inner fields, of other types and formats.
    for (const to of ["text", null, { day: "soon", at: ["x", {}], n: 1.5, more: 1 }, {}]) {
      expect(drift(withNew, [{ ...(orders[0] as JsonObject), to }]), JSON.stringify(to)).toEqual([]);
    }
    const settled = [...orders, ...times(20, () => withNew.at(-1) as Json)];
    expect(drift(settled, [{ ...(orders[0] as JsonObject), to: { day: "soon", at: ["x"] } }])).toEqual([
      { path: "data.to.at[]", what: "type", before: ["integer"], after: ["integer", "string"] },
      { path: "data.to.day", what: "format", before: "date", after: null },
      { path: "data.to.n", what: "required", before: true, after: false },
    ]);
  });

  test("one event of many items settles nothing: items count as often as their lists came", () => {
    const one = times(20, (n) => ({ id: n }));
    const many = [...one, { id: 1, items: times(1000, () => ({ sku: 1 })) }];
    expect(drift(many, [{ id: 1, items: [{ sku: "a" }, {}] }])).toEqual([]);
  });

  test("a kind of value that comes late is judged by itself", () => {
    const known = [...times(30, () => ({ v: "text" })), { v: 1 }, { v: { a: 1 } }];
    expect(drift(known, [{ v: 1.5 }, { v: { b: 1 } }])).toEqual([]);
    expect(drift(known, [{ v: true }])).toMatchObject([{ path: "data.v", what: "type" }]);
  });

  test("a text with a comma is not two", () => {
    const values = (...texts: string[]) => times(40, (n) => ({ v: texts[n % texts.length] as string }));
    expect(schemaChanges(version(...values("a,b")), version(...values("a", "b")))).toMatchObject([
      { path: "data.v", what: "enum", before: ["a,b"], after: ["a", "b"] },
    ]);
  });

  test("an object that becomes a map is one change, and one that is only looked at less deep is none", () => {
    const wide = (from: number, count: number) =>
      Object.fromEntries(times(count, (n) => [`f${from + n}`, 1]) as [string, Json][]);
    const known = times(20, () => ({ stock: wide(0, 80) }));
    expect(drift(known, [{ stock: wide(80, 30) }])).toEqual([
      { path: "data.stock{}", what: "field", before: null, after: ["integer"] },
    ]);
    const groups = (count: number) =>
      Object.fromEntries(times(count, (n) => [`g${n}`, wide(0, 60)]) as [string, Json][]);
    const added = drift(
      times(20, () => groups(8)),
      [groups(9)],
    );
    expect(added).toMatchObject([{ path: "data.g8", what: "field" }]);
  });
});
