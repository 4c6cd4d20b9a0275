import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { Admin, type AdminOptions } from "@platformatic/kafka";
import { type Cache, tool } from "./cache.ts";
import type { Engine, ServerPlace, StartCommand } from "./engine.ts";
import { mavenJars } from "./maven.ts";

const version = "4.1.0";
const jvm = ["-Xmx512m", "-Xms128m", "-XX:+UseSerialGC", "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn"];
const clusterId = "c3RyZWFtemVyby1mLWZ4MQ";

/** From its Maven artifacts, in KRaft mode: each server is a broker and a controller. */
export const kafka: Engine = {
  name: "kafka",
  title: `Apache Kafka ${version}`,
  portsEach: 2,

  async install(cache: Cache) {
    return cache.directory(`kafka-${version}`, (directory) =>
      mavenJars([`org.apache.kafka:kafka_2.13:${version}`, "org.slf4j:slf4j-simple:1.7.36"], directory),
    );
  },

  prepare: (server, all) => prepareBroker(server, propertiesOf(server, all)),

  answers: (server) => answersTo({ bootstrapBrokers: [brokerOf(server)] }),

  environment(all) {
    return {
      FX_BUS_DRIVER: "kafka",
      FX_BUS_BROKERS: all.map(brokerOf).join(","),
      FX_BUS_REPLICATION: String(Math.min(all.length, 3)),
    };
  },
};

export function brokerOf({ ports }: ServerPlace): string {
  return `127.0.0.1:${ports[0]}`;
}

/** `formatArgs`: beside what every first start of a server is told. */
export async function prepareBroker(
  { programs, directory }: ServerPlace,
  properties: Readonly<Record<string, string | number | boolean>>,
  formatArgs: readonly string[] = [],
): Promise<StartCommand> {
  const file = path.join(directory, "server.properties");
  const classPath = path.join(programs, "*");
  mkdirSync(directory, { recursive: true });
  const lines = Object.entries(properties).map(([name, value]) => `${name}=${value}`);
  writeFileSync(file, `${lines.join("\n")}\n`);
  if (!existsSync(path.join(directory, "data/meta.properties"))) {
    const format = ["kafka.tools.StorageTool", "format", "-t", clusterId, "-c", file, ...formatArgs];
    await tool("java", [...jvm, "-cp", classPath, ...format]);
  }
  return { command: "java", args: [...jvm, "-cp", classPath, "kafka.Kafka", file] };
}

/** True for a reply to a question for the cluster's brokers. */
export async function answersTo(options: Omit<AdminOptions, "clientId">): Promise<boolean> {
  const admin = new Admin({ ...options, clientId: "engines", retries: 0, timeout: 2000 });
  try {
    const { brokers } = await admin.metadata({ topics: [] });
    return brokers.size > 0;
  } finally {
    await admin.close().catch(() => {});
  }
}

export function propertiesOf({ index, ports, directory }: ServerPlace, all: readonly ServerPlace[]) {
  const copies = Math.min(all.length, 3);
  return {
    "process.roles": "broker,controller",
    "node.id": index + 1,
    "controller.quorum.voters": all.map((place) => `${place.index + 1}@127.0.0.1:${place.ports[1]}`).join(","),
    listeners: `PLAINTEXT://127.0.0.1:${ports[0]},CONTROLLER://127.0.0.1:${ports[1]}`,
    "advertised.listeners": `PLAINTEXT://127.0.0.1:${ports[0]}`,
    "controller.listener.names": "CONTROLLER",
    "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
    "log.dirs": path.join(directory, "data"),
    "auto.create.topics.enable": false,
    "offsets.topic.replication.factor": copies,
    "offsets.topic.num.partitions": 4,
    "transaction.state.log.replication.factor": copies,
    "transaction.state.log.min.isr": 1,
    "transaction.state.log.num.partitions": 4,
    "share.coordinator.state.topic.replication.factor": copies,
    "share.coordinator.state.topic.min.isr": 1,
    // Nobody waits for further members on a machine where all of them are started at once.
    "group.initial.rebalance.delay.ms": 0,
    "num.network.threads": 2,
    "num.io.threads": 4,
    "log.cleaner.dedupe.buffer.size": 16_777_216,
  };
}
