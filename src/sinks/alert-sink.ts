import type { BusRecord, GroupPosition } from "../bus/bus.ts";
import type { AlertStore, ReadPosition } from "../catalog/alerts.ts";
import { alertGroup } from "../events/consumer-groups.ts";
import { topics } from "../events/topics.ts";
import { Loop } from "../foundation/loop.ts";
import { AlertReader } from "./alert-reader.ts";
import { SinkLoop, type SinkLoopParts } from "./sink-loop.ts";

export interface AlertSinkParts extends SinkLoopParts {
  alerts: AlertStore;
  /** Between two looks: so long it takes an alert to be raised. */
  everyMs: number;
}

const watchedTopics = [topics.events, topics.platform, topics.logs];

/**
 * Judges alerts by what passes on the backbone. It gathers what the rules have to know, and settles it at most once in
 * `everyMs` in the catalog, where the positions are written with the sightings: what is read again counts for nothing. Any number may
 * run; the catalog adds up what each of them saw. Without rules it reads nothing.
 */
export class AlertSink {
  readonly #parts: AlertSinkParts;
  readonly #clockwork: Loop;
  #reader: AlertReader;
  #reading: SinkLoop<BusRecord> | undefined;
  /** Of the backbone, at the last look that found no rule: all that came before is older than any rule. */
  #ends: ReadPosition[] | undefined;

  constructor(parts: AlertSinkParts) {
    const { everyMs, clock, log } = parts;
    this.#parts = parts;
    this.#reader = this.#newReader();
    // Silence sends nothing: time has to be looked at by itself.
    this.#clockwork = new Loop({ name: "alerts", clock, log, idleMs: everyMs, work: () => this.#tick() });
  }

  async start(): Promise<void> {
    await this.#watchesNow();
    this.#clockwork.start();
  }

  async stop(): Promise<void> {
    await this.#clockwork.stop();
    await this.#reading?.stop();
  }

  health(): Record<string, string | undefined> {
    return this.#reading?.health() ?? {};
  }

  async #tick(): Promise<void> {
    if (await this.#watchesNow()) await this.#reader.settle();
  }

  /** Reads while there are rules. Answers whether there are. */
  async #watchesNow(): Promise<boolean> {
    // Before the rules are looked at: one that is not found yet is younger than what ends here.
    const ends = this.#reading === undefined ? await this.#reader.ends() : undefined;
    if ((await this.#reader.ruleCount()) > 0) {
      if (this.#reading === undefined) await this.#begin();
      return true;
    }
    await this.#reading?.stop();
    this.#reading = undefined;
    this.#ends = ends;
    return false;
  }

  async #begin(): Promise<void> {
    const { alerts, everyMs } = this.#parts;
    if (this.#ends) await alerts.settle({ positions: this.#ends, sightings: [], readThrough: undefined });
    const reader = this.#newReader();
    const reading = new SinkLoop<BusRecord>(this.#parts, {
      group: alertGroup,
      topics: watchedTopics,
      noun: "what alerts are judged by",
      batchSize: 500,
      read: (record) => ({ kind: "item", item: record }),
      resumeAt: () => this.#resumeAt(),
      store: (records) => reader.take(records),
      pass: (positions) => reader.pass(positions),
      flush: { everyMs, run: () => reader.settle() },
    });
    await reading.start();
    this.#reader = reader;
    this.#reading = reading;
    this.#ends = undefined;
  }

  #newReader(): AlertReader {
    const { alerts, bus, clock, log } = this.#parts;
    return new AlertReader({ alerts, bus, clock, log, topics: watchedTopics });
  }

  /** The catalog knows better than the bus: its positions were written with what was seen (rule D13). */
  async #resumeAt(): Promise<GroupPosition[]> {
    const { alerts, bus, log } = this.#parts;
    const known = new Map((await alerts.positions()).map((position) => [nameOf(position), position.offset]));
    const lost: Omit<ReadPosition, "offset">[] = [];
    const positions: GroupPosition[] = [];
    for (const topic of watchedTopics) {
      for (const { partition, earliest, next } of await bus.offsets(topic)) {
        const offset = known.get(nameOf({ topic, partition }));
        if (offset !== undefined && offset > next) lost.push({ topic, partition });
        if (offset !== undefined && offset <= next) positions.push({ topic, partition, offset });
        else if (next > earliest) positions.push({ topic, partition, offset: earliest });
      }
    }
    if (lost.length > 0) {
      log.warn({ partitions: lost }, "the bus ends before what was watched: it was lost, or put back from a copy");
      await alerts.startAnew(lost);
    }
    return positions;
  }
}

function nameOf({ topic, partition }: { topic: string; partition: number }): string {
  return `${partition} ${topic}`;
}
