import { Consumer, Producer } from "@platformatic/kafka";
import { CloudEvent, Kafka } from "cloudevents";
import { afterAll, beforeAll, expect, onTestFinished, test } from "vitest";
import { brokerOf } from "../../../engines/kafka.ts";
import { maxEventBytes } from "../../../src/events/cloud-event.ts";
import { eventKeyOf } from "../../../src/events/event-key.ts";
import { topics } from "../../../src/events/topics.ts";
import { sharedEnvironment, sharedServers } from "../../support/engines.ts";
import { eventually } from "../../support/eventually.ts";
import { newPrefix, openKafka } from "../../support/kafka-bus.ts";
import { TestPlatform } from "../../support/platform.ts";

const servers = sharedServers("kafka");
const bootstrapBrokers = servers.map(brokerOf);
const prefix = newPrefix();
let platform: TestPlatform;
let producer: Producer;

beforeAll(async () => {
  platform = await TestPlatform.start({}, { ...sharedEnvironment("kafka"), FX_BUS_PREFIX: prefix });
  producer = new Producer({ clientId: "outside", bootstrapBrokers });
  await platform.deploy("hear", {
    "manifest.json": JSON.stringify({ entrypoint: "hear.py", trigger_events: ["outside.said"] }),
    "hear.py": "from fx_ef import get_param\nprint(get_param('name'))\n",
  });
});

afterAll(async () => {
  await producer.close();
  await platform.stop();
});

const event = (id: string) => ({
  specversion: "1.0",
  id,
  source: "/plant",
  type: "outside.said",
  data: { name: `Grüße 🎈 ${id}` },
});
const keyOf = (id: string) => eventKeyOf(event(id));
const structured = { "content-type": "application/cloudevents+json; charset=UTF-8" };

interface Message {
  value: Buffer;
  headers?: Record<string, string>;
  key?: string;
}

/** As a program does that knows Kafka and CloudEvents and nothing of us. */
async function produce(...messages: Message[]): Promise<void> {
  const topic = `${prefix}${topics.events}`;
  await producer.send({
    messages: messages.map(({ value, headers = {}, key }) => ({
      topic,
      value,
      headers: new Map(Object.entries(headers).map(([name, text]) => [Buffer.from(name), Buffer.from(text)])),
      ...(key !== undefined && { key: Buffer.from(key) }),
    })),
  });
}

/** What the service printed for an event of an outside program. */
async function heard(id: string): Promise<string[]> {
  const { outcome, links } = await platform.event(keyOf(id));
  expect(outcome).toBe("matched");
  const execution = links.find(({ matched }) => matched)?.executionId ?? "";
  await eventually(async () => (await platform.execution(execution)).status === "completed");
  return platform.outputs(execution);
}

test("an event in structured mode without a key starts what it should", async () => {
  await produce({ value: Buffer.from(JSON.stringify(event("structured"))), headers: structured });
  expect(await heard("structured")).toEqual(["Grüße 🎈 structured\n"]);
});

test("an event in binary mode starts what it should, its attributes in UTF-8", async () => {
  const { data, specversion, id, source, type } = event("binary");
  const headers = {
    "content-type": "application/json",
    ce_specversion: specversion,
    ce_id: id,
    ce_source: source,
    ce_type: type,
    ce_subject: "漢字 ü",
  };
  await produce({ value: Buffer.from(JSON.stringify(data)), headers, key: "line-7" });
  expect(await heard("binary")).toEqual(["Grüße 🎈 binary\n"]);
  const { body } = await platform.request<{ event: { subject: string } }>("GET", `/api/v1/events/${keyOf("binary")}`);
  expect(body.event.subject).toBe("漢字 ü");
});

test.each(["structured", "binary"] as const)(
  "what the CloudEvents SDK makes in %s mode is understood",
  async (mode) => {
    const { key, headers, body, value } = Kafka[mode](
      new CloudEvent({ ...event(`sdk-${mode}`), partitionkey: "p" }),
    ) as {
      key?: string;
      headers: Record<string, string | undefined>;
      body: unknown;
      value: unknown;
    };
    const sent = value ?? body;
    await produce({
      value: Buffer.from(typeof sent === "string" ? sent : JSON.stringify(sent)),
      headers: Object.fromEntries(Object.entries(headers).flatMap(([name, text]) => (text ? [[name, text]] : []))),
      ...(key !== undefined && { key }),
    });
    expect(await heard(`sdk-${mode}`)).toEqual([`Grüße 🎈 sdk-${mode}\n`]);
  },
);

test("what the platform sends is an event to the CloudEvents SDK, its key the partition key or the flow", async () => {
  const time = "2026-11-29T06:00:00.000Z";
  await platform.send({ id: "ours-1", type: "ours.said", time, data: { n: 1 }, partitionkey: "line-7" });
  await platform.send({ id: "ours-2", type: "ours.said", time, data: { n: 2 }, correlationid: "flow-7" });
  const consumer = new Consumer({ clientId: "outside", bootstrapBrokers, groupId: `${prefix}outside` });
  onTestFinished(() => consumer.close(true));
  const stream = await consumer.consume({ topics: [`${prefix}${topics.events}`], mode: "earliest" });
  const found = new Map<string, { key: string; data: unknown }>();
  for await (const { key, value, headers } of stream) {
    const message = {
      key: key?.toString() ?? "",
      headers: Object.fromEntries([...headers].map(([name, text]) => [name.toString(), text.toString()])),
      body: value.toString(),
      value: value.toString(),
    };
    if (!Kafka.isEvent(message) || !message.value.includes("ours.said")) continue;
    const { id, data } = Kafka.toEvent(message) as CloudEvent;
    found.set(id, { key: message.key, data });
    if (found.has("ours-1") && found.has("ours-2")) break;
  }
  expect(found.get("ours-1")).toEqual({ key: "line-7", data: { n: 1 } });
  expect(found.get("ours-2")).toEqual({ key: "flow-7", data: { n: 2 } });
});

test("D12, D3: what cannot be an event is a dead letter with its reason, and what lies behind it is routed", async () => {
  const forged = { ...event("forged"), type: "fx.service.run_requested" };
  const large = JSON.stringify({ ...event("large"), data: "x".repeat(maxEventBytes) });
  const poison: Message[] = [
    { value: Buffer.from([0, 0xff, 0xfe]) },
    { value: Buffer.from("{"), headers: structured },
    { value: Buffer.from(JSON.stringify({ ...event("none"), id: "" })), headers: structured },
    { value: Buffer.from(JSON.stringify({ ...event("nul"), subject: "a\u0000b" })), headers: structured },
    { value: Buffer.from(large), headers: structured },
    { value: Buffer.alloc(0) },
  ];
  for (const message of poison) await produce({ ...message, key: "one partition" });
  await produce({ value: Buffer.from(JSON.stringify(forged)), headers: structured, key: "one partition" });
  await produce({ value: Buffer.from(JSON.stringify(event("behind"))), headers: structured, key: "one partition" });
  expect(await heard("behind")).toEqual(["Grüße 🎈 behind\n"]);
  expect(await platform.event(keyOf("forged"))).toMatchObject({ outcome: "rejected" });
  const bus = await openKafka({ servers, prefix });
  const reasons: string[] = [];
  for (const { partition } of await bus.offsets(topics.deadLetter)) {
    for (const { headers } of await bus.peek(topics.deadLetter, partition, 0, 100)) {
      reasons.push(decodeURIComponent(headers["fx-reason"] ?? ""));
    }
  }
  expect(reasons).toHaveLength(poison.length);
  expect(reasons.filter((reason) => reason.includes("is larger than an event may be"))).toHaveLength(1);
  expect(reasons.filter((reason) => reason.includes("is not a CloudEvent"))).toHaveLength(3);
});

test("D12: a dead letter tells a key, a header and a value that were null from ones that were empty", async () => {
  const topic = `${prefix}${topics.events}`;
  const named = (name: string) => Buffer.from(name);
  const headers = new Map<Buffer, Buffer | null>([
    [named("x-none"), null],
    [named("x-empty"), Buffer.alloc(0)],
  ]) as Map<Buffer, Buffer>;
  await producer.send({
    messages: [
      { topic, partition: 0, headers },
      {
        topic,
        partition: 0,
        headers: new Map([[named("x-empty"), Buffer.alloc(0)]]),
        key: named(""),
        value: named(""),
      },
    ],
  });
  const bus = await openKafka({ servers, prefix });
  const letters = await eventually(async () => {
    const found = [];
    for (const { partition } of await bus.offsets(topics.deadLetter)) {
      found.push(...(await bus.peek(topics.deadLetter, partition, 0, 100)));
    }
    const ours = found.filter((letter) => letter.headers["x-empty"] !== undefined);
    return ours.length === 2 && ours;
  });
  const told = letters.map(({ key, value, headers: found }) => [key, value.length, found["x-none"], found["fx-null"]]);
  expect(told.toSorted((left, right) => String(left).localeCompare(String(right)))).toEqual([
    ["", 0, undefined, undefined],
    ["", 0, "", "key,value,header:x-none"],
  ]);
});

test("D15: where transactions of an outside program end or were given up, the ledger still balances, and silence is still told", async () => {
  const topic = `${prefix}${topics.events}`;
  const options = { clientId: "outside", bootstrapBrokers, idempotent: true, transactionalId: `${prefix}writer` };
  const writer = new Producer(options);
  onTestFinished(() => writer.close());
  const write = async (end: "commit" | "abort", ...ids: string[]) => {
    const transaction = await writer.beginTransaction();
    const messages = ids.map((id) => ({
      topic,
      key: Buffer.from("one partition"),
      value: Buffer.from(JSON.stringify(event(id))),
      headers: new Map([[Buffer.from("content-type"), Buffer.from(structured["content-type"])]]),
    }));
    await transaction.send({ messages });
    await transaction[end]();
  };
  await write("commit", "transaction-1", "transaction-2");
  await write("abort", "given up");
  await write("commit", "transaction-3");
  // The partition ends with what holds no event.
  await write("abort", "given up, too");
  expect(await heard("transaction-1")).toEqual(["Grüße 🎈 transaction-1\n"]);
  expect(await heard("transaction-3")).toEqual(["Grüße 🎈 transaction-3\n"]);
  const account = await eventually(async () => {
    const { body } = await platform.request<Reconciliation>("GET", "/api/v1/ledger/reconcile");
    return body.pending === 0 && body;
  });
  expect(account.balanced).toBe(true);
  expect(account.partitions.reduce((sum, { passed }) => sum + passed, 0)).toBe(6);
  const json = { name: "quiet", condition: { kind: "silence", type: "never.sent", for: 1 } };
  await platform.request("POST", "/api/v1/alerts/rules", { json });
  await eventually(async () => {
    const { body } = await platform.request<{ items: { subject: string }[] }>("GET", "/api/v1/alerts");
    return body.items.some(({ subject }) => subject === "never.sent");
  });
});

interface Reconciliation {
  balanced: boolean;
  pending: number;
  partitions: { passed: number }[];
}
