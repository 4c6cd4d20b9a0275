import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { decodeRecord, encodeRecord } from "../../../src/events/bus-binding.ts";
import { maxEventBytes } from "../../../src/events/cloud-event.ts";

const event = {
  specversion: "1.0" as const,
  id: "1",
  source: "/shop",
  type: "order.placed",
  correlationid: "flow-1",
  data: { total: 7, note: "grün" },
};

describe("bus binding", () => {
  it("gives back the event that was encoded, under its flow as the key", () => {
    const record = encodeRecord("fx.events", event);
    expect(record).toMatchObject({
      topic: "fx.events",
      key: "flow-1",
      headers: { "content-type": "application/cloudevents+json" },
    });
    expect(decodeRecord(record)).toEqual({ ok: true, event, body: record.value });
  });

  it("reads the binary mode of the Kafka protocol binding", () => {
    const decoded = decodeRecord({
      headers: {
        ce_specversion: "1.0",
        ce_id: "1",
        ce_source: "/shop",
        ce_type: "order.placed",
        ce_subject: Buffer.from("Käse").toString("latin1"),
        "content-type": "application/json",
      },
      value: Buffer.from('{"total":7}'),
    });
    expect(decoded).toMatchObject({
      ok: true,
      event: {
        specversion: "1.0",
        id: "1",
        source: "/shop",
        type: "order.placed",
        subject: "Käse",
        datacontenttype: "application/json",
        data: { total: 7 },
      },
    });
    expect(decoded.ok && JSON.parse(Buffer.from(decoded.body).toString())).toEqual(decoded.ok && decoded.event);
  });

  it("keeps binary data as base64", () => {
    const headers = { ce_specversion: "1.0", ce_id: "1", ce_source: "/s", ce_type: "t", "content-type": "image/png" };
    const decoded = decodeRecord({ headers, value: Buffer.from([0x89, 0x50, 0xff, 0x00]) });
    expect(decoded).toMatchObject({ ok: true, event: { datacontenttype: "image/png", data_base64: "iVD/AA==" } });
  });

  it.each([
    ["no headers", {}, "hello", "is not a CloudEvent: it has neither"],
    ["broken JSON", { "content-type": "application/cloudevents+json" }, "{", "its JSON cannot be read"],
    [
      "a missing id",
      { "content-type": "application/cloudevents+json" },
      '{"specversion":"1.0","source":"/s","type":"t"}',
      "id ",
    ],
    ["JSON data that is none", { ce_specversion: "1.0", "content-type": "application/json" }, "{", "data must be JSON"],
    ["an unknown version", { ce_specversion: "2.0", ce_id: "1", ce_source: "/", ce_type: "t" }, "", 'must be "1.0"'],
  ])("D12: a record with %s is refused with the reason", (_name, headers, value, reason) => {
    const decoded = decodeRecord({ headers: headers as Record<string, string>, value: Buffer.from(value) });
    expect(decoded.ok ? "" : decoded.reason).toContain(reason);
  });

  it("D12: bytes that are no UTF-8, and a record past the limit, are refused with the reason", () => {
    const headers = { "content-type": "application/cloudevents+json" };
    expect(decodeRecord({ headers, value: Buffer.from([0x7b, 0xff, 0x7d]) })).toMatchObject({
      ok: false,
      reason: expect.stringContaining("not UTF-8"),
    });
    expect(decodeRecord({ headers, value: Buffer.alloc(maxEventBytes + 1, 0x20) })).toMatchObject({
      ok: false,
      reason: expect.stringContaining("larger"),
    });
  });

  it("D12: never throws, whatever the bytes and headers", () => {
    const name = fc.oneof(
      fc.string(),
      fc.constantFrom("content-type", "ce_specversion", "ce_id", "ce_data", "ce___proto__"),
    );
    fc.assert(
      fc.property(fc.uint8Array(), fc.dictionary(name, fc.string()), (value, headers) => {
        const decoded = decodeRecord({ value, headers });
        if (decoded.ok) expect(JSON.parse(Buffer.from(decoded.body).toString())).toEqual(decoded.event);
        else expect(decoded.reason).not.toBe("");
      }),
    );
  });
});
