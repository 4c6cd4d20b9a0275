import { type Admin, murmur2 } from "@platformatic/kafka";
import { topics } from "../../events/topics.ts";
import type { Clock } from "../../foundation/clock.ts";
import { PlatformError } from "../../foundation/errors.ts";
import { isAnswer, translateKafkaError } from "./errors.ts";
import { boundsOf } from "./offsets.ts";
import { differencesOf, type TopicDifference } from "./topic-differences.ts";
import { isUnsettled, onceSettled } from "./unsettled.ts";

export interface TopicOptions {
  /** Of each topic that is made; one that exists keeps its own. */
  partitions: number;
  replication: number;
  /** Largest record with what surrounds it, in bytes. */
  maxMessageBytes: number;
}

/** Wake-ups between processes; worth nothing after a minute. */
const signalTopic = "fx.signals";
const signalRetentionMs = 60_000;
const partitionsAgeMs = 30_000;
/** How long a start waits until all partitions of the topics that it made are led. */
const leadersMs = 30_000;

/** The topics in the cluster, under their prefix. */
export class KafkaTopics {
  /** As the cluster names it. */
  readonly signals: string;
  /** Whose records go when they are past their age; of the others the newest of each key stays. */
  readonly aging = [topics.events, topics.platform, topics.logs, topics.metrics, topics.deadLetter];
  readonly #admin: Admin;
  readonly #prefix: string;
  /** How many partitions each topic has, by its name here. */
  readonly #partitions = new Map<string, { count: number; knownAt: number }>();

  readonly #clock: Clock;

  constructor(admin: Admin, prefix: string, clock: Clock) {
    this.#admin = admin;
    this.#clock = clock;
    this.#prefix = prefix;
    this.signals = this.there(signalTopic);
  }

  /** The name in the cluster. */
  there(topic: string): string {
    return `${this.#prefix}${topic}`;
  }

  group(name: string): string {
    return `${this.#prefix}fx.${name}`;
  }

  /**
   * Makes the topics that are missing, and resolves once each of their partitions has a leader that answers. Several processes may
   * do so at once. Answers what is told of those that somebody else has made otherwise than they are needed.
   */
  async ensure({ partitions, replication, maxMessageBytes }: TopicOptions): Promise<TopicDifference[]> {
    const existing = new Set(await this.#listTopics());
    const all = [
      { name: "max.message.bytes", value: String(maxMessageBytes) },
      // An age that a sender may choose is none.
      { name: "message.timestamp.type", value: "LogAppendTime" },
      // What was accepted is there when any one of the copies is lost.
      { name: "min.insync.replicas", value: String(Math.max(1, replication - 1)) },
    ];
    // What goes is decided by this platform, which knows what was read (rule D13).
    const forever = [{ name: "retention.ms", value: "-1" }, ...all];
    const kinds = [
      { names: this.aging, partitions, configs: forever },
      {
        names: [topics.state],
        partitions,
        configs: [{ name: "cleanup.policy", value: "compact" }, ...all],
      },
      {
        names: [signalTopic],
        partitions: 1,
        configs: [{ name: "retention.ms", value: String(signalRetentionMs) }],
      },
    ];
    const made: string[] = [];
    for (const { names, partitions, configs } of kinds) {
      const missing = names.map((name) => this.there(name)).filter((name) => !existing.has(name));
      if (missing.length === 0) continue;
      try {
        await this.#admin.createTopics({ topics: missing, partitions, replicas: replication, configs });
      } catch (error) {
        if (!isAnswer(error, "TOPIC_ALREADY_EXISTS")) {
          throw translateKafkaError(error, `make the topics ${missing.join(", ")}`);
        }
      }
      made.push(...missing);
    }
    if (made.length > 0) await this.#areLed(made);
    const present = [...this.aging, topics.state].map((name) => this.there(name)).filter((name) => existing.has(name));
    return differencesOf(this.#admin, present, {
      partitions,
      maxMessageBytes,
      compacted: new Set([this.there(topics.state)]),
    });
  }

  async #areLed(names: readonly string[]): Promise<void> {
    const parts = { admin: this.#admin, clock: this.#clock };
    const ask = async () => {
      const { topics: known } = await this.#admin.metadata({ topics: [...names], forceUpdate: true });
      for (const name of names) await boundsOf(parts, name, [...(known.get(name)?.partitions.keys() ?? [])]);
    };
    try {
      await onceSettled(this.#clock, ask, leadersMs);
    } catch (error) {
      const patience = isUnsettled(error) ? ` within ${leadersMs / 1000} s` : "";
      throw translateKafkaError(error, `tell${patience} who leads the topics that were made, ${names.join(", ")}`);
    }
  }

  async #listTopics(): Promise<string[]> {
    try {
      return await this.#admin.listTopics();
    } catch (error) {
      throw translateKafkaError(error, "list its topics");
    }
  }

  /** Undefined: there is no such topic. */
  async partitionsOf(topic: string): Promise<number | undefined> {
    const known = this.#partitions.get(topic);
    if (known && this.#clock.monotonic() - known.knownAt < partitionsAgeMs) return known.count;
    const count = await onceSettled(this.#clock, () => this.#countPartitions(this.there(topic)));
    if (count !== undefined) this.#partitions.set(topic, { count, knownAt: this.#clock.monotonic() });
    return count;
  }

  async #countPartitions(name: string): Promise<number | undefined> {
    try {
      const metadata = await this.#admin.metadata({ topics: [name], forceUpdate: true });
      return metadata.topics.get(name)?.partitionsCount;
    } catch (error) {
      // The client fails for a topic that is not there; whether it is that, the list says.
      const existing = await this.#admin.listTopics().catch(() => [name]);
      if (!existing.includes(name)) return undefined;
      throw translateKafkaError(error, `tell the partitions of ${name}`);
    }
  }

  async requiredPartitionsOf(topic: string): Promise<number> {
    const count = await this.partitionsOf(topic);
    if (count === undefined) {
      throw new PlatformError("unavailable", `the topic ${this.there(topic)} is not there: somebody deleted it`);
    }
    return count;
  }
}

/** The partition of a key, as Kafka's own clients choose it: outsiders' records of one key lie with ours. */
export function kafkaPartitionOf(key: Buffer, partitions: number): number {
  return (murmur2(key) & 0x7fffffff) % partitions;
}
