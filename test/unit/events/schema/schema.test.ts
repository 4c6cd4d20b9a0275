import { isIPv4 } from "node:net";
import { Ajv2020 } from "ajv/dist/2020.js";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { exampleOf } from "../../../../src/events/schema/example-of.ts";
import { fitsShape } from "../../../../src/events/schema/fits-shape.ts";
import { mergeTypeShapes } from "../../../../src/events/schema/fold-shape.ts";
import { observe } from "../../../../src/events/schema/observe.ts";
import { isDataRequired, renderSchema } from "../../../../src/events/schema/render-schema.ts";
import { schemaChanges, withoutExamples } from "../../../../src/events/schema/schema-changes.ts";
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
        const shape = learned(samples);
        const schema = renderSchema(shape);
        const validate = ajv.compile(schema);
        for (const sample of samples) {
          expect(validate(sample), JSON.stringify([schema, sample])).toBe(true);
          expect(fitsShape(shape, sample)).toBe(true);
        }
        expect(validate(exampleOf(schema)), JSON.stringify([schema, exampleOf(schema)])).toBe(true);
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

  test("no value of a field that may hold a secret is kept, at any depth", () => {
    const secret = {
      password: "hunter2-hunter2",
      auth: { accessToken: { raw: ["abc-secret-123", 4711] } },
      user: "ada",
    };
    const stored = encodeShape(learned(times(30, () => secret)));
    expect(stored).toContain("ada");
    for (const hidden of ["hunter2", "abc-secret", "4711"]) expect(stored).not.toContain(hidden);
  });
});

test("formats are those that the text has beyond doubt", () => {
  expect(["2024-02-29", "2023-02-29", "2026-01-31T25:00:00Z", "1.2.3.256", "not@mail", "urn:x"].map(formatOf)).toEqual([
    "date",
    undefined,
    undefined,
    undefined,
    undefined,
    undefined,
  ]);
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

test("changes name what a consumer must know, and not what only became more certain", () => {
  const version = (...samples: Json[]) => {
    const shape = learned(samples);
    return { schema: renderSchema(shape), dataRequired: isDataRequired(shape) };
  };
  const orders = times(20, () => ({ id: 1, at: "2026-01-31", state: "new", tags: [] }));
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
