import { Admin, Consumer, Producer } from "@platformatic/kafka";
import { beforeAll, expect, onTestFinished, test } from "vitest";
import { type Certificate, makeCertificates } from "../../../engines/certificates.ts";
import type { ServerPlace } from "../../../engines/engine.ts";
import { brokerOf } from "../../../engines/kafka.ts";
import {
  accessOf,
  certificatesOf,
  certifiedBrokerOf,
  type KafkaUser,
  kafkaUsers,
  securedKafka,
} from "../../../engines/kafka-secured.ts";
import type { KafkaSasl } from "../../../src/bus/kafka/connection.ts";
import { routerGroup } from "../../../src/events/consumer-groups.ts";
import { topics } from "../../../src/events/topics.ts";
import { ownServersForFile } from "../../support/engines.ts";
import { openKafka } from "../../support/kafka-bus.ts";
import { tempDir } from "../../support/temp-dir.ts";

const servers = ownServersForFile(securedKafka);
const prefix = "plant-1.";

/** Numbers of Kafka's protocol. */
const resources = { topic: 2, group: 3 } as const;
const patterns = { literal: 3, prefixed: 4 } as const;
const operations = { read: 3, write: 4, create: 5, delete: 6 } as const;

/** As docs/deploy.md has them. */
const rules: [KafkaUser, keyof typeof resources, string, keyof typeof patterns, (keyof typeof operations)[]][] = [
  ["platform", "topic", `${prefix}fx.`, "prefixed", ["read", "write", "create", "delete"]],
  ["platform", "group", `${prefix}fx.`, "prefixed", ["read"]],
  ["outside", "topic", `${prefix}${topics.events}`, "literal", ["read", "write"]],
  ["outside", "topic", `${prefix}${topics.platform}`, "literal", ["read"]],
  ["outside", "group", "outside", "literal", ["read"]],
];

const server = (): ServerPlace => servers().places[0] as ServerPlace;
const clientOf = (user: KafkaUser) => ({
  clientId: user,
  bootstrapBrokers: [brokerOf(server())],
  retries: 1,
  retryDelay: 50,
  ...accessOf(server(), user),
});
const trusted = () => ({ authorityFile: certificatesOf(server()).authorityFile });
const platformBus = (sasl: Partial<KafkaSasl> = {}) =>
  openKafka({
    servers: servers().places,
    prefix,
    tls: trusted(),
    sasl: { mechanism: "SCRAM-SHA-512", user: "platform", password: kafkaUsers.platform, ...sasl },
  });
const certifiedBus = (certificate: Partial<Certificate>) =>
  openKafka({ servers: [], brokers: [certifiedBrokerOf(server())], prefix, tls: { ...trusted(), ...certificate } });

function producerOf(user: KafkaUser): Producer {
  const producer = new Producer(clientOf(user));
  onTestFinished(() => producer.close());
  return producer;
}

function consumerOf(user: KafkaUser, groupId: string): Consumer {
  const consumer = new Consumer({ ...clientOf(user), groupId });
  onTestFinished(() => consumer.close(true));
  return consumer;
}

beforeAll(async () => {
  const admin = new Admin(clientOf("admin"));
  const creations = rules.flatMap(([user, resource, resourceName, pattern, allowed]) =>
    allowed.map((operation) => ({
      resourceType: resources[resource],
      resourceName,
      resourcePatternType: patterns[pattern],
      principal: `User:${user}`,
      host: "*",
      operation: operations[operation],
      permissionType: 3 as const,
    })),
  );
  await admin.createAcls({ creations });
  await admin.close();
});

test("the platform needs no more than the rules of the guide, over TLS and with its password", async () => {
  const bus = await platformBus();
  await bus.publish([{ topic: topics.platform, key: "k", value: Buffer.from("own") }]);
  const subscription = await bus.subscribe({
    group: routerGroup,
    topics: [topics.events, topics.platform],
    from: "earliest",
    maxRecords: 10,
  });
  const [read] = (await subscription.next()) ?? [];
  expect(Buffer.from(read?.value ?? []).toString()).toBe("own");
  await subscription.commit([{ topic: topics.platform, partition: 0, offset: 1 }]);
  expect(await bus.prune({ [topics.platform]: routerGroup })).toBe(0);
  expect(await bus.peek(topics.platform, 0, 0, 10)).toHaveLength(1);
});

test("D3: an outside program writes events, reads both topics, and writes nothing else", async () => {
  await platformBus();
  const producer = producerOf("outside");
  const send = (topic: string) =>
    producer.send({ messages: [{ topic: `${prefix}${topic}`, value: Buffer.from("x") }] });
  expect((await send(topics.events)).offsets).toHaveLength(1);
  for (const topic of [topics.platform, topics.state, topics.logs, topics.metrics, topics.deadLetter]) {
    await expect(send(topic)).rejects.toEqual(refusedBy("TOPIC_AUTHORIZATION_FAILED"));
  }
  const consumer = consumerOf("outside", "outside");
  const stream = await consumer.consume({ topics: [`${prefix}${topics.platform}`], mode: "earliest" });
  for await (const { value } of stream) {
    expect(value.toString()).toBe("own");
    break;
  }
  const secrets = consumerOf("outside", "outside");
  const reading = secrets.consume({ topics: [`${prefix}${topics.state}`], mode: "earliest" });
  await expect(reading).rejects.toEqual(refusedBy("TOPIC_AUTHORIZATION_FAILED"));
});

test("an outside program cannot move what the router has read", async () => {
  await platformBus();
  const thief = consumerOf("outside", `${prefix}fx.${routerGroup}`);
  const joining = thief.consume({ topics: [`${prefix}${topics.events}`], mode: "earliest" });
  await expect(joining).rejects.toEqual(refusedBy("GROUP_AUTHORIZATION_FAILED"));
});

test("a wrong password and a certificate that nobody vouches for are said so", async () => {
  for (const mechanism of ["SCRAM-SHA-512", "PLAIN"] as const) {
    await expect(platformBus({ mechanism, password: "guessed" })).rejects.toThrow("Kafka could not list its topics");
  }
  const trusting = openKafka({
    servers: servers().places,
    prefix,
    tls: {},
    sasl: { mechanism: "SCRAM-SHA-512", user: "platform", password: kafkaUsers.platform },
  });
  await expect(trusting).rejects.toThrow(/its certificate is not trusted: .*; authorityFile/);
});

test("a password is also proved by PLAIN, where the brokers have that", async () => {
  const bus = await platformBus({ mechanism: "PLAIN" });
  expect(await bus.publish([{ topic: topics.logs, key: "k", value: Buffer.from("plain") }])).toHaveLength(1);
});

test("a certificate stands for the user, and brokers that want one do not speak to who shows none, or another's", async () => {
  const bus = await certifiedBus(certificatesOf(server()).client);
  const [placed] = await bus.publish([{ topic: topics.logs, key: "k", value: Buffer.from("certified") }]);
  const [read] = await bus.peek(topics.logs, placed?.partition ?? 0, placed?.offset ?? 0, 1);
  expect(Buffer.from(read?.value ?? []).toString()).toBe("certified");
  const refused = "Kafka could not list its topics: Connection closed";
  await expect(certifiedBus({})).rejects.toThrow(refused);
  await expect(certifiedBus((await makeCertificates(tempDir())).client)).rejects.toThrow(refused);
});

/** Somewhere in what the client threw. */
function refusedBy(answer: string) {
  return { asymmetricMatch: (error: unknown) => answersOf(error).includes(answer) };
}

function answersOf(error: unknown): string[] {
  const { apiId, errors = [], cause } = (error ?? {}) as { apiId?: string; errors?: unknown[]; cause?: unknown };
  const inner = [...errors, ...(cause === undefined ? [] : [cause])].flatMap(answersOf);
  return apiId === undefined ? inner : [apiId, ...inner];
}
