import { afterAll, beforeAll, expect, test } from "vitest";
import { fx, fxJson } from "../../support/cli.ts";
import { eventually } from "../../support/eventually.ts";
import { TestPlatform } from "../../support/platform.ts";

const order = { id: 7, state: "new", "odd\u001b[31m": 1 };

let platform: TestPlatform;
beforeAll(async () => {
  platform = await TestPlatform.start();
  await platform.deploy("bill", { "main.py": "", "manifest.json": '{"trigger_events": ["order.*"]}' });
  await platform.request("POST", "/api/v1/mappings", {
    json: { fromType: "order.*", toType: "audit.entry", strategy: "all" },
  });
  const orders = Array.from({ length: 30 }, (_, n) => ({ id: `o${n}`, type: "order.placed", data: order }));
  await platform.send(...orders);
  await platform.send({ id: "p", type: "ping" }, { id: "g", type: "to.forget", data: 1 });
  await platform.send(...["json", "quiet"].map((way) => ({ id: way, type: `for.${way}`, data: 1 })));
  await learned("order.placed", "ping", "to.forget", "audit.entry", "for.json", "for.quiet");
  await platform.send({ id: "drift", type: "order.placed", data: { ...order, id: "text" } });
  await eventually(async () => (await fx(["types", "show", "order.placed"], platform)).out.includes("version 2"));
});
afterAll(() => platform.stop());

/** Waits until the types are known. */
async function learned(...types: string[]): Promise<void> {
  await eventually(async () => {
    const { body } = await platform.request<{ items: { type: string }[] }>("GET", "/api/v1/event-types");
    const known = new Set(body.items.map(({ type }) => type));
    return types.every((type) => known.has(type));
  });
}

test("fx types lists what was seen, by a part or the beginning of the name, and says so where there is none", async () => {
  const { out } = await fx(["types"], platform);
  expect(out).toMatch(/order\.placed\s+31\s+2/);
  expect(out).toMatch(/ping\s+1\s+1/);
  const found = await fxJson<{ type: string }[]>(["types", "list", "--search", "PLACED"], platform);
  expect(found).toMatchObject([{ type: "order.placed", count: 31, version: 2 }]);
  expect(await fxJson(["types", "list", "--prefix", "ord"], platform)).toMatchObject([{ type: "order.placed" }]);
  const none = await fx(["types", "list", "--prefix", "placed"], platform);
  expect(none).toMatchObject({ code: 0, out: "", talk: expect.stringContaining("`fx types` lists all") });
});

test("fx types show tells of an example, senders, consumers, mappings and changes, without control characters of the data", async () => {
  const { out, talk } = await fx(["types", "show", "order.placed"], platform);
  expect(out).toContain("order.placed  31 events, schema version 2");
  expect(out).toContain('"state": "new"');
  expect(out).toContain("/test  31");
  expect(out).toContain("default/bill  (order.*)");
  expect(out).toContain("audit.entry  (order.*)");
  expect(out).toContain('data.id: type was ["integer"], is ["integer","string"]');
  expect(out).not.toContain("\u001b[31m");
  expect(talk).toContain("next: fx send order.placed --example");
  expect((await fx(["types", "show", "ping"], platform)).out).toContain("its events have no JSON data");
});

test("--schema prints the JSON Schema alone; --json everything", async () => {
  const { out, talk } = await fx(["types", "show", "order.placed", "--schema"], platform);
  expect(JSON.parse(out)).toMatchObject({ type: "object", required: ["id", "odd\u001b[31m", "state"] });
  expect(talk).toBe("");
  expect(await fxJson(["types", "show", "order.placed"], platform)).toMatchObject({
    settled: true,
    example: { state: "new" },
    becomes: [{ fromType: "order.*", toType: "audit.entry" }],
    versions: [{ n: 2 }, { n: 1 }],
  });
});

test("fx types forget forgets, once; a type that was not seen ends with 3 and names the command that lists them", async () => {
  expect(await fx(["types", "forget", "to.forget"], platform)).toMatchObject({ code: 0, out: "forgot to.forget\n" });
  for (const words of [
    ["forget", "to.forget"],
    ["show", "never.seen"],
  ]) {
    const result = await fx(["types", ...words], platform);
    expect(result).toMatchObject({ code: 3, out: "", talk: expect.stringContaining("fx types") });
  }
});

test("send --example sends data made from the schema and shows it; of a type without data it sends none", async () => {
  const { code, talk } = await fx(["send", "order.placed", "--example", "--id", "example"], platform);
  expect({ code, talk }).toEqual({ code: 0, talk: expect.stringMatching(/^data: \{"id":7,.*"state":"new"\}\n/) });
  expect(await fxJson(["why", "example"], platform)).toMatchObject({ event: { data: { ...order } } });
  const none = await fx(["send", "ping", "--example", "--id", "ping-2"], platform);
  expect(none).toMatchObject({ code: 0, talk: expect.stringContaining("data: none") });
  expect(await fxJson<{ event: object }>(["why", "ping-2"], platform)).not.toHaveProperty("event.data");
  expect(await fx(["send", "never.seen", "--example"], platform)).toMatchObject({ code: 3, out: "" });
  expect((await fx(["send", "ping", "--example", "--data", "1"], platform)).code).toBe(2);
});

test("send without data of a type that has always had some says so, on stderr, and only to people", async () => {
  const { code, out, talk } = await fx(["send", "order.placed", "--id", "bare"], platform);
  expect({ code, out }).toEqual({ code: 0, out: expect.stringMatching(/^accepted order\.placed/) });
  expect(talk).toMatch(/order\.placed usually carries data.*--example sends \{"id":7/);
  const offered = async (...words: string[]) => (await fx(["send", ...words], platform)).talk.includes("--example");
  expect(await offered("order.placed", "--data", "{}")).toBe(false);
  expect(await offered("for.json", "--json")).toBe(false);
  expect(await offered("for.quiet", "--quiet")).toBe(false);
  expect(await offered("ping")).toBe(false);
  expect(await offered("never.seen")).toBe(false);
});
