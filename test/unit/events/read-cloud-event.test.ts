import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { cloudEventSchema } from "../../../src/events/cloud-event.ts";
import { readCloudEvent } from "../../../src/events/read-cloud-event.ts";

const valid = { specversion: "1.0", id: "1", source: "/s", type: "order.placed" };
const names = [
  "specversion",
  "id",
  "source",
  "type",
  "subject",
  "time",
  "datacontenttype",
  "dataschema",
  "data_base64",
  "correlationid",
  "sequence",
  "fxproject",
  "fxexecution",
  "ext1",
  "Ext",
  "with-dash",
  "toolongforanextension1",
];
const values = fc.oneof(
  fc.string(),
  fc.string({ unit: "binary" }),
  fc.constantFrom(
    "1.0",
    "",
    "a b",
    "a*",
    "\u0007",
    "\ud800",
    "é",
    "YWI=",
    "YWI",
    "2026-01-31T12:00:00Z",
    "2026-13-01T00:00:00Z",
  ),
  fc.integer(),
  fc.double(),
  fc.boolean(),
  fc.constantFrom("x".repeat(1024), "x".repeat(1025)),
  fc.array(fc.string(), { maxLength: 2 }),
);

describe("readCloudEvent", () => {
  it("accepts exactly what the schema accepts", () => {
    const events = fc
      .tuple(
        fc.dictionary(fc.constantFrom(...names), values, { maxKeys: 4 }),
        fc.option(fc.jsonValue(), { nil: undefined }),
        fc.boolean(),
      )
      .map(([attributes, data, complete]) => ({
        ...(complete ? valid : {}),
        ...attributes,
        ...(data === undefined ? {} : { data }),
      }));
    fc.assert(
      fc.property(events, (event) => {
        const reading = readCloudEvent(event);
        expect(reading.ok).toBe(cloudEventSchema.safeParse(event).success);
        if (!reading.ok) expect(reading.problems.length).toBeGreaterThan(0);
      }),
      { numRuns: 3000 },
    );
  });

  it("says of every wrong attribute what was found and what would be right", () => {
    const reading = readCloudEvent({ specversion: "0.3", id: "", source: "a b", type: "x", time: "yesterday" });
    expect(reading).toEqual({
      ok: false,
      problems: [
        { path: "specversion", message: 'must be "1.0"; found "0.3"' },
        { path: "id", message: 'must not be empty; found ""' },
        { path: "source", message: 'must be a URI reference (no white space); found "a b"' },
        { path: "time", message: 'must be an RFC 3339 time such as 2026-01-31T12:00:00Z; found "yesterday"' },
      ],
    });
  });

  it.each([null, [], "text", 7, undefined])("refuses %j, which is no object", (value) => {
    expect(readCloudEvent(value)).toMatchObject({ ok: false, problems: [{ path: "" }] });
  });

  it("takes null attributes for absent ones, and null data for data", () => {
    expect(readCloudEvent({ ...valid, subject: null, data: null })).toEqual({
      ok: true,
      event: { ...valid, data: null },
    });
    expect(readCloudEvent({ ...valid, id: null })).toMatchObject({ ok: false, problems: [{ path: "id" }] });
  });

  it("refuses numbers that JSON cannot give back, and nesting without end", () => {
    const infinite = readCloudEvent({ ...valid, data: JSON.parse('{"n": 1e999}') });
    expect(infinite).toMatchObject({ ok: false, problems: [{ path: "data" }] });
    const deep = readCloudEvent({ ...valid, data: JSON.parse(`${"[".repeat(100_000)}${"]".repeat(100_000)}`) });
    expect(deep).toMatchObject({ ok: false, problems: [{ path: "data" }] });
  });

  it("refuses an attribute named __proto__", () => {
    const event: unknown = JSON.parse('{"specversion":"1.0","id":"1","source":"/s","type":"t","__proto__":"x"}');
    expect(readCloudEvent(event)).toMatchObject({ ok: false, problems: [{ path: "__proto__" }] });
  });
});
