import { HTTP, CloudEvent as SdkEvent } from "cloudevents";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { readHttpEvents } from "../../../src/events/http-binding.ts";

function read(headers: Record<string, string>, body: string | Uint8Array = "") {
  return readHttpEvents({ headers, body: Buffer.from(body), maxEvents: 1000 });
}

const binary = { "ce-specversion": "1.0", "ce-id": "1", "ce-source": "/shop", "ce-type": "order.placed" };
const structured = { "content-type": "application/cloudevents+json" };
const batched = { "content-type": "application/cloudevents-batch+json" };
const event = { specversion: "1.0", id: "1", source: "/shop", type: "order.placed" };

/** Events that both the SDK and the specification accept. */
const sdkEvents = fc.record({
  id: fc.string({ minLength: 1, maxLength: 20, unit: "grapheme-ascii" }).filter((text) => text.trim() === text),
  source: fc.constantFrom("/shop", "urn:x:y", "https://example.com/a?b=c"),
  type: fc.constantFrom("order.placed", "a", "com.example.thing"),
  subject: fc.string({ minLength: 1, maxLength: 10, unit: "grapheme-ascii" }).filter((text) => text.trim() === text),
  data: fc.oneof(
    fc.dictionary(
      fc.string({ minLength: 1 }).filter((name) => name !== "__proto__"),
      fc.oneof(fc.string(), fc.integer()),
    ),
    fc.array(fc.integer()),
  ),
  myext: fc.string({ minLength: 1, maxLength: 10, unit: "grapheme-ascii" }).filter((text) => text.trim() === text),
});

describe("the HTTP binding", () => {
  it("reads what the CloudEvents SDK writes, in structured mode and in binary mode", () => {
    fc.assert(
      fc.property(sdkEvents, (fields) => {
        const sent = new SdkEvent({ ...fields, datacontenttype: "application/json" });
        for (const mode of ["structured", "binary"] as const) {
          const message = HTTP[mode](sent);
          const headers = Object.fromEntries(
            Object.entries(message.headers).map(([name, value]) => [name.toLowerCase(), String(value)]),
          );
          // The SDK leaves characters bare that the binding wants encoded, so a percent sign is not told from an escape.
          if (mode === "binary" && Object.values(headers).some((value) => /[%"\\]/.test(value))) continue;
          const reading = read(headers, String(message.body));
          expect(reading).toMatchObject({ ok: true, mode });
          if (reading.ok) expect(reading.events[0]?.event).toEqual(JSON.parse(JSON.stringify(sent.toJSON())));
        }
      }),
    );
  });

  it.each([
    ["percent-encoded UTF-8", "K%C3%A4se%20%22x%22", 'Käse "x"'],
    ["a quoted string", '"a \\"b\\" c"', 'a "b" c'],
    ["a percent sign that escapes nothing", "100% sure", "100% sure"],
    ["UTF-8 that was not encoded", Buffer.from("Käse").toString("latin1"), "Käse"],
    ["Latin-1 that was not encoded", "K\u00e4se", "Käse"],
  ])("decodes a header value with %s", (_name, raw, text) => {
    const reading = read({ ...binary, "ce-subject": raw });
    expect(reading.ok && reading.events[0]?.event.subject).toBe(text);
  });

  it.each([
    ["JSON", "application/json", '{"total":7}', { data: { total: 7 } }],
    ["JSON of a kind", "application/vnd.shop+json; charset=utf-8", "[1]", { data: [1] }],
    ["text", "text/plain", "grün", { data: "grün" }],
    ["XML", "application/xml", "<a/>", { data: "<a/>" }],
    ["bytes", "application/octet-stream", "\u0001\u0002", { data_base64: "AQI=" }],
  ])("carries %s of binary mode with its content type", (_name, type, body, members) => {
    const reading = read({ ...binary, "content-type": type }, body);
    expect(reading.ok && reading.events[0]?.event).toEqual({ ...event, datacontenttype: type, ...members });
  });

  it("takes an event without data, and data without a content type for JSON", () => {
    expect(read(binary)).toMatchObject({ ok: true, events: [{ event }] });
    expect(read(binary, "{}")).toMatchObject({ ok: true, events: [{ event: { ...event, data: {} } }] });
    expect(read(binary, "hello")).toMatchObject({ ok: false, problems: [{ path: "data" }] });
  });

  it.each([
    ["JSON that is plain", { "content-type": "application/json" }, "{}"],
    ["nothing that tells what it is", {}, "{}"],
    ["another event format", { "content-type": "application/cloudevents+avro" }, "x"],
    ["another charset", { "content-type": "application/cloudevents+json; charset=utf-16" }, "{}"],
  ])("does not take %s, and says what would be right", (_name, headers, body) => {
    expect(read(headers as Record<string, string>, body)).toMatchObject({
      ok: false,
      refusal: "unsupported-media-type",
    });
  });

  it.each<[string, Record<string, string>, string | Uint8Array, string[]]>([
    ["an empty body", structured, "", [""]],
    ["broken JSON", structured, '{"specversion":', [""]],
    ["bytes that are no UTF-8", structured, Uint8Array.of(0x7b, 0xff, 0x7d), [""]],
    ["an array where one event is said", structured, "[]", [""]],
    ["an event where many are said", batched, JSON.stringify(event), [""]],
    ["missing attributes", structured, "{}", ["specversion", "id", "source", "type"]],
    ["an empty id", structured, JSON.stringify({ ...event, id: "" }), ["id"]],
    ["a control character", structured, JSON.stringify({ ...event, subject: "a\u0000" }), ["subject"]],
    ["a bad time", structured, JSON.stringify({ ...event, time: "now" }), ["time"]],
    ["upper case in an attribute's name", structured, JSON.stringify({ ...event, myExt: "a" }), ["myExt"]],
    ["an object as an attribute", structured, JSON.stringify({ ...event, ext: {} }), ["ext"]],
    ["data twice", structured, JSON.stringify({ ...event, data: 1, data_base64: "YQ==" }), ["data_base64"]],
    ["base64 that is none", structured, JSON.stringify({ ...event, data_base64: "a" }), ["data_base64"]],
    ["an old version", { ...binary, "ce-specversion": "0.3" }, "", ["specversion"]],
    ["a header that is no attribute", { ...binary, "ce-my_ext": "a" }, "", ["my_ext"]],
    ["data as a header", { ...binary, "ce-data": "a" }, "", ["data"]],
    ["the content type as a ce- header", { ...binary, "ce-datacontenttype": "a/b" }, "", ["datacontenttype"]],
    ["an escape that is no UTF-8", { ...binary, "ce-subject": "%ff" }, "", ["subject"]],
  ])("refuses %s and names the place", (_name, headers, body, paths) => {
    const reading = read(headers, body);
    expect(reading).toMatchObject({ ok: false, refusal: "invalid-input" });
    if (!reading.ok) expect(reading.problems.map(({ path }) => path)).toEqual(paths);
  });

  it("D16: of a batch it names every bad event by index and attribute", () => {
    const batch = [event, { ...event, id: "" }, 7, { ...event, source: undefined, type: "a b" }];
    const reading = read(batched, JSON.stringify(batch));
    expect(reading).toMatchObject({ ok: false, refusal: "invalid-input" });
    if (!reading.ok)
      expect(reading.problems.map(({ path }) => path)).toEqual(["[1].id", "[2]", "[3].source", "[3].type"]);
  });

  it("refuses a batch with too many events, and takes an empty one", () => {
    const body = Buffer.from(JSON.stringify([event, event, event]));
    expect(readHttpEvents({ headers: batched, body, maxEvents: 2 })).toMatchObject({ ok: false });
    expect(read(batched, "[]")).toEqual({ ok: true, mode: "batched", events: [] });
  });

  it("never throws, whatever the headers and bytes", () => {
    const name = fc.constantFrom(
      "content-type",
      "ce-id",
      "ce-specversion",
      "ce-source",
      "ce-type",
      "ce-x",
      "ce-",
      "ce-__proto__",
    );
    const value = fc.oneof(
      fc.string(),
      fc.constantFrom("1.0", ...Object.values(structured), ...Object.values(batched)),
    );
    fc.assert(
      fc.property(fc.dictionary(name, value), fc.uint8Array(), (headers, body) => {
        expect(typeof read(headers, body).ok).toBe("boolean");
      }),
    );
  });
});
