import { writeFile } from "node:fs/promises";
import path from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { Admin, alterPartitionReassignmentsV0, type Connection } from "@platformatic/kafka";
import { expect, onTestFinished, test } from "vitest";
import type { ServerPlace } from "../../../engines/engine.ts";
import { brokerOf, kafka } from "../../../engines/kafka.ts";
import { killServer, signalServer, startServer } from "../../../engines/servers.ts";
import type { Bus, BusRecord } from "../../../src/bus/bus.ts";
import { topics } from "../../../src/events/topics.ts";
import { isPlatformError } from "../../../src/foundation/errors.ts";
import { ownServers } from "../../support/engines.ts";
import { eventually } from "../../support/eventually.ts";
import { newPrefix, openKafka } from "../../support/kafka-bus.ts";
import { TestPlatform } from "../../support/platform.ts";

const values = (records: readonly BusRecord[]) => records.map(({ value }) => Buffer.from(value).toString());
const group = { group: "readers", topics: [topics.events], from: "earliest", maxRecords: 500 } as const;

/** Publishes numbers one after the other, each until it is acknowledged, as the outbox does. */
class Counting {
  acknowledged = 0;
  refusals = 0;
  readonly #ended: Promise<void>;
  #isEnding = false;

  constructor(bus: Bus) {
    this.#ended = this.#count(bus);
  }

  async end(): Promise<void> {
    this.#isEnding = true;
    await this.#ended;
  }

  async #count(bus: Bus): Promise<void> {
    while (!this.#isEnding) {
      try {
        await bus.publish([{ topic: topics.events, key: "k", value: Buffer.from(String(this.acknowledged)) }]);
        this.acknowledged += 1;
      } catch (error) {
        if (!isPlatformError(error) || !error.retryable) throw error;
        this.refusals += 1;
      }
    }
  }
}

/** Reads until a record says `last`. A reader repeats what fails for a passing reason. */
async function readUntil(bus: Bus, last: string): Promise<string[]> {
  const subscription = await bus.subscribe(group);
  const read: string[] = [];
  while (read.at(-1) !== last) {
    const records = await subscription.next().catch(passing);
    read.push(...values(records ?? []));
  }
  return read;
}

function passing(error: unknown): undefined {
  if (!isPlatformError(error) || !error.retryable) throw error;
}

/** Each number once, in order, where the repeats of what was published again are dropped. */
function withoutRepeats(read: readonly string[]): string[] {
  return read.filter((value, index) => read.indexOf(value) === index);
}

test("a broker that is killed and started again: what was acknowledged is there in order, and everything goes on by itself", async () => {
  const servers = await ownServers("kafka");
  const bus = await openKafka({ servers: servers.places, partitions: 2 });
  const subscription = await bus.subscribe(group);
  const counting = new Counting(bus);
  await eventually(() => counting.acknowledged > 20);
  await killServer(servers, 0);
  await eventually(() => counting.refusals > 0, { withinMs: 60_000 });
  const acknowledged = counting.acknowledged;
  await startServer(servers, 0);
  await eventually(() => counting.acknowledged > acknowledged + 20, { withinMs: 60_000 });
  await counting.end();
  const read: string[] = [];
  while (read.at(-1) !== String(counting.acknowledged - 1)) {
    const records = (await subscription.next().catch(passing)) ?? [];
    read.push(...values(records));
    const positions = records.map(({ topic, partition, offset }) => ({ topic, partition, offset: offset + 1 }));
    await subscription.commit(positions).catch(passing);
  }
  expect(withoutRepeats(read)).toEqual(Array.from({ length: counting.acknowledged }, (_, n) => String(n)));
  let heard = false;
  bus.onSignal("dispatch", () => {
    heard = true;
  });
  bus.signal("dispatch");
  await eventually(() => heard);
});

test("a broker that takes requests and says nothing: publishing is refused after a while, and goes on when it speaks again", async () => {
  const servers = await ownServers("kafka");
  const bus = await openKafka({ servers: servers.places });
  const publish = () => bus.publish([{ topic: topics.events, key: "k", value: Buffer.from("x") }]);
  await publish();
  signalServer(servers, 0, "SIGSTOP");
  // Its threads stop one after the other: what came before that may still be answered.
  const refusal = await eventually(() =>
    publish().then(
      () => false,
      (error: unknown) => error,
    ),
  );
  expect(refusal).toMatchObject({ code: "unavailable" });
  signalServer(servers, 0, "SIGCONT");
  await eventually(publish, { withinMs: 60_000 });
});

test("of three brokers the one that leads is killed: nothing that was acknowledged is lost, and publishing and reading go on", async () => {
  const servers = await ownServers("kafka", 3);
  const prefix = newPrefix();
  const bus = await openKafka({ servers: servers.places, prefix, replication: 3 });
  const counting = new Counting(bus);
  await eventually(() => counting.acknowledged > 50);
  await killServer(servers, (await leaderOf(servers.places.map(brokerOf), `${prefix}${topics.events}`)) - 1);
  const acknowledged = counting.acknowledged;
  await eventually(() => counting.acknowledged > acknowledged + 50, { withinMs: 60_000 });
  await counting.end();
  const read = await readUntil(bus, String(counting.acknowledged - 1));
  expect(withoutRepeats(read)).toEqual(Array.from({ length: counting.acknowledged }, (_, n) => String(n)));
});

test("topics that were just made on three brokers are asked, read and written at once", async () => {
  const { places } = await ownServers("kafka", 3);
  const records = Array.from({ length: 50 }, (_, n) => ({
    topic: topics.events,
    key: `${n}`,
    value: Buffer.from("x"),
  }));
  for (let round = 0; round < 3; round += 1) {
    const bus = await openKafka({ servers: places, partitions: 24, replication: 3 });
    expect(await bus.offsets(topics.platform)).toHaveLength(24);
    expect(await bus.peek(topics.platform, 23, 0, 1)).toEqual([]);
    const subscription = await bus.subscribe(group);
    expect(await bus.publish(records)).toHaveLength(50);
    expect(values((await subscription.next()) ?? [])).toContain("x");
    await bus.close();
  }
});

test("leaders move from broker to broker: offsets, peeks and a group's reading go on without a failure", async () => {
  const { places } = await ownServers("kafka", 3);
  const prefix = newPrefix();
  const bus = await openKafka({ servers: places, prefix });
  await bus.publish([{ topic: topics.events, key: "k", value: Buffer.from("first") }]);
  const subscription = await bus.subscribe(group);
  expect(values((await subscription.next()) ?? [])).toEqual(["first"]);
  const name = `${prefix}${topics.events}`;
  const brokers = places.map(brokerOf);
  for (let n = 1; n <= 3; n += 1) {
    const before = await leaderOf(brokers, name);
    await moveLeader(places, name, (before % 3) + 1);
    await eventually(async () => (await leaderOf(brokers, name)) !== before);
    // What the bus knows of leaders is out of date.
    expect(await bus.offsets(topics.events)).toEqual([{ partition: 0, earliest: 0, next: n }]);
    expect(values(await bus.peek(topics.events, 0, 0, 10))).toHaveLength(n);
    const next = subscription.next();
    await bus.publish([{ topic: topics.events, key: "k", value: Buffer.from(`moved ${n}`) }]);
    expect(values((await next) ?? [])).toEqual([`moved ${n}`]);
  }
});

test("while the broker is away readiness names the bus and events are not accepted; what was accepted runs, and all goes on without a restart", async () => {
  const servers = await ownServers("kafka");
  const platform = await TestPlatform.start({}, kafka.environment(servers.places));
  onTestFinished(() => platform.stop());
  await platform.deploy("hear", {
    "manifest.json": JSON.stringify({ entrypoint: "hear.sh", trigger_events: ["said"] }),
    "hear.sh": "echo heard\n",
  });
  await platform.send({ id: "before", type: "said" });
  await platform.settled(1);
  await killServer(servers, 0);
  await eventually(async () => {
    const { status, body } = await platform.request<{ detail: string }>("GET", "/readyz");
    expect(status).toBe(503);
    expect(body.detail).toContain("bus: ");
    expect(body.detail).not.toContain("catalog:");
    return true;
  });
  await expect(platform.send({ id: "meanwhile", type: "said" })).rejects.toThrow("events were answered with 503");
  await startServer(servers, 0);
  await eventually(async () => (await platform.request("GET", "/readyz")).status === 200, { withinMs: 60_000 });
  await platform.send({ id: "meanwhile", type: "said" }, { id: "after", type: "said" });
  const executions = await platform.settled(3);
  expect(executions.map(({ status }) => status)).toEqual(["completed", "completed", "completed"]);
  const [, again] = executions;
  await eventually(async () => (await platform.outputs(again?.id ?? "")).join("") === "heard\n");
});

test("D7, D9: a run whose output and event the broker cannot take waits until it can, and has run once", async () => {
  const servers = await ownServers("kafka");
  const platform = await TestPlatform.start({}, kafka.environment(servers.places));
  onTestFinished(() => platform.stop());
  await platform.deploy("talk", {
    "manifest.json": JSON.stringify({ entrypoint: "talk.py", trigger_events: ["said"] }),
    "talk.py": `
import time
from fx_ef import context
print("one", flush=True)
time.sleep(3)
print("two", flush=True)
context.events.send("heard", {"attempt": context.execution.attempt})
print("three")
`,
  });
  await platform.deploy("count", {
    "manifest.json": JSON.stringify({ entrypoint: "count.sh", trigger_events: ["heard"] }),
    "count.sh": "echo counted\n",
  });
  await platform.send({ id: "1", type: "said" });
  const talking = await eventually(async () => {
    const [run] = await platform.executions("&service=default/talk");
    return run?.status === "in_progress" ? run : undefined;
  });
  await killServer(servers, 0);
  // Longer than three attempts and the pauses after two losses took.
  await pause(15_000);
  expect(await platform.execution(talking.id)).toMatchObject({ status: "in_progress", attempt: 1 });
  await startServer(servers, 0);
  const [talk] = await platform.settled(1, "&service=default/talk");
  expect(talk).toMatchObject({ status: "completed", attempt: 1, losses: 0 });
  const counted = await eventually(async () => {
    const runs = await platform.settled(1, "&service=default/count");
    return runs.length > 0 ? runs : undefined;
  });
  expect(counted.map(({ status }) => status)).toEqual(["completed"]);
  await eventually(async () => (await platform.outputs(talking.id)).join("") === "one\ntwo\nthree\n");
});

test("D7: a script whose time is over while it waits for the broker is lost, not failed, and runs again", async () => {
  const servers = await ownServers("kafka");
  const platform = await TestPlatform.start({}, kafka.environment(servers.places));
  onTestFinished(() => platform.stop());
  const sign = path.join(platform.directory, "send-now");
  const timeout = 10;
  await platform.deploy("tell", {
    "manifest.json": JSON.stringify({ entrypoint: "tell.py", trigger_events: ["said"], timeout, retries: 0 }),
    "tell.py": `
import os, time
from fx_ef import context
while not os.path.exists(${JSON.stringify(sign)}):
    time.sleep(0.05)
context.events.send("told", {})
`,
  });
  await platform.send({ id: "1", type: "said" });
  await eventually(async () => (await platform.executions("&service=default/tell"))[0]?.status === "in_progress");
  await killServer(servers, 0);
  await writeFile(sign, "");
  await pause((timeout + 2) * 1000);
  await startServer(servers, 0);
  const [told] = await platform.settled(1, "&service=default/tell");
  expect(told).toMatchObject({ status: "completed", attempt: 2, losses: 1 });
});

/** Gives the first partition of a topic to one broker alone: who led it has no copy any more. */
async function moveLeader(places: readonly ServerPlace[], topic: string, node: number): Promise<void> {
  const admin = new Admin({ clientId: "test", bootstrapBrokers: places.map(brokerOf) });
  onTestFinished(() => admin.close());
  const [connection] = (await admin.connectToBrokers([1])).values();
  const topics = [{ name: topic, partitions: [{ partitionIndex: 0, replicas: [node] }] }];
  await alterPartitionReassignmentsV0.api.async(connection as Connection, 10_000, false, topics);
}

/** The node that leads the first partition. */
async function leaderOf(bootstrapBrokers: string[], topic: string): Promise<number> {
  const admin = new Admin({ clientId: "test", bootstrapBrokers });
  try {
    const { topics: found } = await admin.metadata({ topics: [topic] });
    return found.get(topic)?.partitions[0]?.leader ?? 0;
  } finally {
    await admin.close();
  }
}
