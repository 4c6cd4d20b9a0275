import { writeFileSync } from "node:fs";
import { stat } from "node:fs/promises";
import path from "node:path";
import { Admin, Producer } from "@platformatic/kafka";
import { describe, expect, onTestFinished, test } from "vitest";
import { tool } from "../../../engines/cache.ts";
import type { ServerPlace } from "../../../engines/engine.ts";
import { brokerOf } from "../../../engines/kafka.ts";
import { busContract } from "../../../src/bus/bus.contract.ts";
import type { NewRecord } from "../../../src/bus/bus.ts";
import { topics } from "../../../src/events/topics.ts";
import { silentLog } from "../../../src/foundation/log.ts";
import { sharedServers } from "../../support/engines.ts";
import { eventually } from "../../support/eventually.ts";
import { newPrefix, openKafka } from "../../support/kafka-bus.ts";
import { tempDir } from "../../support/temp-dir.ts";

const servers = sharedServers("kafka");
const bootstrapBrokers = servers.map(brokerOf);

const record = (key: string, value: string | Buffer = "x", topic: string = topics.events): NewRecord => ({
  topic,
  key,
  value: Buffer.from(value),
});
const values = (records: readonly { value: Uint8Array }[]) => records.map(({ value }) => Buffer.from(value).toString());

describe("the bus's contract on Kafka", () => {
  busContract({
    async open({ partitions, retentionMs }) {
      const options = { servers, prefix: newPrefix(), partitions, ...(retentionMs && { retentionMs }) };
      const bus = await openKafka(options);
      const reopen = async () => {
        await bus.close();
        return openKafka(options);
      };
      return { bus, reopen };
    },
    capabilities: { retentionByClock: false },
  });
});

test("topics are made with the chosen partitions and sizes, for ever but for what the platform deletes, and fx.state keeps the newest of each key", async () => {
  const prefix = newPrefix();
  await openKafka({ servers, prefix, partitions: 3, maxMessageBytes: 5_000_000 });
  const admin = new Admin({ clientId: "test", bootstrapBrokers });
  onTestFinished(() => admin.close());
  const names = Object.values(topics).map((topic) => `${prefix}${topic}`);
  const { topics: made } = await admin.metadata({ topics: names });
  for (const name of names) expect(made.get(name)?.partitionsCount).toBe(3);
  const described = await admin.describeConfigs({
    resources: names.map((resourceName) => ({ resourceType: 2, resourceName })),
  });
  for (const { resourceName, configs } of described) {
    const settings = Object.fromEntries(configs.map(({ name, value }) => [name, value]));
    expect(settings).toMatchObject({ "max.message.bytes": "5000000", "message.timestamp.type": "LogAppendTime" });
    if (resourceName === `${prefix}${topics.state}`) expect(settings["cleanup.policy"]).toBe("compact");
    else expect(settings).toMatchObject({ "cleanup.policy": "delete", "retention.ms": "-1" });
  }
});

test("several processes may make the topics at once", async () => {
  const prefix = newPrefix();
  const buses = await Promise.all([1, 2, 3].map(() => openKafka({ servers, prefix, partitions: 2 })));
  for (const bus of buses) expect(await bus.offsets(topics.platform)).toHaveLength(2);
});

test("a signal reaches the other processes, and comes back to none as another's", async () => {
  const prefix = newPrefix();
  const [here, there] = [await openKafka({ servers, prefix }), await openKafka({ servers, prefix })];
  let heardHere = 0;
  let heardThere = 0;
  here.onSignal("dispatch", () => {
    heardHere += 1;
  });
  there.onSignal("dispatch", () => {
    heardThere += 1;
  });
  let raised = 0;
  // Who has just begun to listen may miss the first.
  await eventually(() => {
    raised += 1;
    here.signal("dispatch");
    return heardThere > 0;
  });
  expect(heardHere).toBeLessThanOrEqual(raised);
});

test("a record past its topic's limit is refused for good, and takes no other caller's along", async () => {
  const bus = await openKafka({ servers, maxMessageBytes: 100_000 });
  const [before, large, after] = await Promise.allSettled([
    bus.publish([record("a", "before")]),
    bus.publish([record("b", Buffer.alloc(200_000, "x"))]),
    bus.publish([record("c", "after")]),
  ]);
  expect(before.status).toBe("fulfilled");
  expect(large).toMatchObject({ status: "rejected", reason: { code: "limit-exceeded", retryable: false } });
  expect(after.status).toBe("fulfilled");
  const read = values(await bus.peek(topics.events, 0, 0, 10));
  expect(read).toContain("before");
  expect(read).toContain("after");
});

test("a record's time is when the broker stored it, whatever its sender wrote", async () => {
  const prefix = newPrefix();
  const bus = await openKafka({ servers, prefix });
  const producer = new Producer({ clientId: "outside", bootstrapBrokers });
  onTestFinished(() => producer.close());
  const began = Date.now();
  const topic = `${prefix}${topics.events}`;
  await producer.send({ messages: [{ topic, value: Buffer.from("old"), timestamp: 1000n }] });
  const [read] = await bus.peek(topics.events, 0, 0, 1);
  expect(read?.at).toBeGreaterThanOrEqual(began - 1000);
});

test.each(["gzip", "snappy", "lz4", "zstd"] as const)(
  "what outside programs compress with %s is read",
  async (compression) => {
    const prefix = newPrefix();
    const bus = await openKafka({ servers, prefix });
    const producer = new Producer({ clientId: "outside", bootstrapBrokers, compression });
    onTestFinished(() => producer.close());
    const messages = Array.from({ length: 200 }, (_, n) => ({
      topic: `${prefix}${topics.events}`,
      value: Buffer.from(`value ${n} of many that are much the same`),
    }));
    await producer.send({ messages });
    expect(values(await bus.peek(topics.events, 0, 0, 200))).toEqual(messages.map(({ value }) => value.toString()));
  },
);

test("what an outside program wrote in a transaction that it gave up is nobody's, however large", async () => {
  const prefix = newPrefix();
  const bus = await openKafka({ servers, prefix });
  const topic = `${prefix}${topics.events}`;
  const producer = new Producer({ clientId: "outside", bootstrapBrokers, idempotent: true, transactionalId: prefix });
  onTestFinished(() => producer.close());
  const inTransaction = async (value: Buffer, end: "commit" | "abort") => {
    const transaction = await producer.beginTransaction();
    for (let n = 0; n < 8; n += 1) await transaction.send({ messages: [{ topic, value }] });
    await transaction[end]();
  };
  // More than one answer of a broker brings.
  await inTransaction(Buffer.alloc(900_000, "given up"), "abort");
  await inTransaction(Buffer.from("given up, too"), "abort");
  await inTransaction(Buffer.from("meant"), "commit");
  const subscription = await bus.subscribe({
    group: "readers",
    topics: [topics.events],
    from: "earliest",
    maxRecords: 100,
  });
  const read: string[] = [];
  while (read.length < 8) read.push(...values((await subscription.next()) ?? []));
  expect(read).toEqual(Array.from({ length: 8 }, () => "meant"));
});

test("D13: prune takes what is past its age and was committed, and leaves what was not, however old", async () => {
  const retentionMs = { [topics.events]: 1, [topics.platform]: 3_600_000 };
  const bus = await openKafka({ servers, retentionMs });
  const readers = { [topics.events]: "readers", [topics.platform]: "readers" };
  await bus.publish([record("k", "read"), record("k", "not read"), record("k", "young", topics.platform)]);
  // Nobody has read: nothing goes.
  expect(await bus.prune(readers)).toBe(0);
  const subscription = await bus.subscribe({
    group: "readers",
    topics: [topics.events, topics.platform],
    from: "earliest",
    maxRecords: 10,
  });
  await subscription.commit([
    { topic: topics.events, partition: 0, offset: 1 },
    { topic: topics.platform, partition: 0, offset: 1 },
  ]);
  let gone = 0;
  await eventually(async () => {
    gone += await bus.prune(readers);
    return gone > 0;
  });
  expect(gone).toBe(1);
  expect(await bus.offsets(topics.events)).toEqual([{ partition: 0, earliest: 1, next: 2 }]);
  expect(values(await bus.peek(topics.events, 0, 0, 10))).toEqual(["not read"]);
  expect(values(await bus.peek(topics.platform, 0, 0, 10))).toEqual(["young"]);
});

test("D13: a reader whose place was deleted goes on at the earliest record", async () => {
  const bus = await openKafka({ servers, retentionMs: { [topics.events]: 1 } });
  const subscription = await bus.subscribe({
    group: "readers",
    topics: [topics.events],
    from: "earliest",
    maxRecords: 10,
  });
  await bus.publish([record("k", "gone")]);
  expect(values((await subscription.next()) ?? [])).toEqual(["gone"]);
  await eventually(async () => (await bus.prune()) > 0);
  await bus.publish([record("k", "kept")]);
  subscription.seek({ topic: topics.events, partition: 0, offset: 0 });
  expect(values((await subscription.next()) ?? [])).toEqual(["kept"]);
});

test("a topic that somebody made too small, with an age or with other partitions, is told at the start, once and by name", async () => {
  const prefix = newPrefix();
  const name = `${prefix}${topics.events}`;
  const admin = new Admin({ clientId: "test", bootstrapBrokers });
  onTestFinished(() => admin.close());
  const configs = [
    { name: "max.message.bytes", value: "1048588" },
    { name: "retention.ms", value: "3600000" },
    { name: "message.timestamp.type", value: "LogAppendTime" },
  ];
  await admin.createTopics({ topics: [name], partitions: 2, replicas: 1, configs });
  const state = `${prefix}${topics.state}`;
  await admin.createTopics({ topics: [state], partitions: 3, replicas: 1 });
  await eventually(async () => (await admin.listTopics()).filter((each) => each.startsWith(prefix)).length === 2);
  const told: string[] = [];
  const log = { ...silentLog, warn: (_: object, message: string) => void told.push(message) };
  await openKafka({ servers, prefix, partitions: 3, maxMessageBytes: 5_000_000, log });
  expect(told.toSorted()).toEqual([
    `the topic ${name} has max.message.bytes 1048588 and needs 5000000: the largest events and values will be refused`,
    `the topic ${name} has partitions 2 and needs 3: it keeps its own, and bus.partitions is for topics that are made`,
    `the topic ${name} has retention.ms 3600000 and needs -1: brokers delete what was accepted and not read yet`,
    `the topic ${state} has cleanup.policy delete and needs compact: state that is older cannot be brought back`,
    `the topic ${state} has max.message.bytes 1048588 and needs 5000000: the largest events and values will be refused`,
    `the topic ${state} has message.timestamp.type CreateTime and needs LogAppendTime: a sender chooses how old its record is`,
  ]);
  told.length = 0;
  const own = newPrefix();
  await openKafka({ servers, prefix: own, partitions: 3, log });
  await openKafka({ servers, prefix: own, partitions: 3, log });
  expect(told).toEqual([]);
});

test.each(["none", "gzip", "snappy", "lz4", "zstd"] as const)(
  "what is sent with the compression %s is less on its way, and read again",
  async (compression) => {
    const prefix = newPrefix();
    const bus = await openKafka({ servers, prefix, compression });
    const large = Buffer.alloc(200_000, "the same again ");
    await bus.publish([record("k", large), record("k", "small")]);
    expect((await bus.peek(topics.events, 0, 0, 10)).map(({ value }) => value.length)).toEqual([200_000, 5]);
    expect((await storedBytes(prefix)) < 100_000).toBe(compression !== "none");
  },
);

test("what Kafka's own client sends with each compression is read", async () => {
  const prefix = newPrefix();
  const bus = await openKafka({ servers, prefix });
  await javaProducer(`${prefix}${topics.events}`, ["none", "gzip", "snappy", "lz4", "zstd"]);
  const read = await bus.peek(topics.events, 0, 0, 100);
  expect(read.map(({ key, value }) => `${key} ${value.length} ${Buffer.from(value).toString().slice(0, 3)}`)).toEqual(
    ["none", "gzip", "snappy", "lz4", "zstd"].flatMap((name) => [`${name} 100000 xyz`, `${name} 3 end`]),
  );
});

/** Of the only partition of `fx.events`, on the broker's disk. */
async function storedBytes(prefix: string): Promise<number> {
  const { directory } = servers[0] as ServerPlace;
  return (await stat(path.join(directory, `data/${prefix}${topics.events}-0/00000000000000000000.log`))).size;
}

/** A program in Java that knows nothing of us: a large and a small record for each compression, in one batch. */
async function javaProducer(topic: string, compressions: readonly string[]): Promise<void> {
  const file = path.join(tempDir(), "Send.java");
  writeFileSync(
    file,
    `
import java.util.Properties;
import org.apache.kafka.clients.producer.*;
import org.apache.kafka.common.serialization.StringSerializer;

public class Send {
  public static void main(String[] args) throws Exception {
    for (int n = 2; n < args.length; n += 1) {
      Properties settings = new Properties();
      settings.put("bootstrap.servers", args[0]);
      settings.put("compression.type", args[n]);
      settings.put("linger.ms", "1000");
      settings.put("batch.size", "1000000");
      try (var producer = new KafkaProducer<>(settings, new StringSerializer(), new StringSerializer())) {
        var large = producer.send(new ProducerRecord<>(args[1], args[n], "xyz".repeat(33334).substring(0, 100000)));
        producer.send(new ProducerRecord<>(args[1], args[n], "end")).get();
        large.get();
      }
    }
  }
}
`,
  );
  const { programs } = servers[0] as ServerPlace;
  await tool("java", ["-cp", path.join(programs, "*"), file, bootstrapBrokers[0] as string, topic, ...compressions]);
}
