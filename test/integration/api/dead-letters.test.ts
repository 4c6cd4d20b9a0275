import { expect, test } from "vitest";
import { topics } from "../../../src/events/topics.ts";
import { startApiServer, testToken } from "../../support/api-server.ts";
import { fx } from "../../support/cli.ts";
import { eventually } from "../../support/eventually.ts";

test("D12: records that could not be used are told with their place and the reason, newest first, by the API and the command line", async () => {
  const server = await startApiServer({ routed: true });
  const cli = { url: server.url, token: testToken };
  expect(await fx(["ledger", "dead-letters"], cli)).toMatchObject({
    code: 0,
    out: "",
    talk: "every record could be used\n",
  });
  const list = async (query = "") => (await server.call("GET", `/api/v1/dead-letters${query}`)).json.items;
  const values = [Buffer.from("no event"), Buffer.from([0xff, 0xfe]), Buffer.from("x".repeat(20_000))];
  for (const [index, value] of values.entries()) {
    await server.bus.publish([{ topic: topics.events, key: "k", value, headers: { "x-own": `${index}` } }]);
    await eventually(async () => (await list()).length === index + 1);
  }
  const [large, binary, text] = await list();
  expect(text).toMatchObject({
    topic: topics.events,
    offset: 0,
    key: "k",
    headers: { "x-own": "0" },
    value: "no event",
    encoding: "utf-8",
    sizeBytes: 8,
    reason: expect.stringContaining("is not a CloudEvent"),
  });
  expect(binary).toMatchObject({ offset: 1, value: "//4=", encoding: "base64", sizeBytes: 2 });
  expect(large).toMatchObject({ offset: 2, value: "x".repeat(16 * 1024), sizeBytes: 20_000 });
  expect(await list("?limit=1")).toEqual([large]);
  expect((await fx(["ledger", "dead-letters"], cli)).out).toMatch(/fx\.events\/\d\/0 .*no event/);
});

test("D12: a long text is a text also where it is cut in the middle of a character", async () => {
  const server = await startApiServer({ routed: true });
  await server.bus.publish([{ topic: topics.events, key: "k", value: Buffer.from(`x${"ü".repeat(10_000)}`) }]);
  const [letter] = await eventually(async () => {
    const { items } = (await server.call("GET", "/api/v1/dead-letters")).json;
    return items.length > 0 && items;
  });
  expect(letter).toMatchObject({ encoding: "utf-8", value: expect.stringMatching(/^xü+.$/) });
});

test("D12: what somebody else wrote to the topic of dead letters is none of ours", async () => {
  const server = await startApiServer();
  await server.bus.publish([
    { topic: topics.deadLetter, key: "k", value: Buffer.from("x"), headers: { "fx-topic": "t" } },
  ]);
  expect((await server.call("GET", "/api/v1/dead-letters")).json).toEqual({ items: [] });
});
