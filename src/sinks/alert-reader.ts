import { RuleWatch } from "../alerts/rule-watch.ts";
import type { Sighting } from "../alerts/sighting.ts";
import type { Bus, BusRecord } from "../bus/bus.ts";
import type { AlertReading, AlertStore, PlacedSighting, ReadPosition } from "../catalog/alerts.ts";
import { decodeRecord } from "../events/bus-binding.ts";
import { topics } from "../events/topics.ts";
import { decodeLogRecord } from "../executions/log-codec.ts";
import type { Clock } from "../foundation/clock.ts";
import { isPlatformError, messageOf } from "../foundation/errors.ts";
import type { Log } from "../foundation/log.ts";

export interface AlertReaderParts {
  alerts: AlertStore;
  bus: Bus;
  clock: Clock;
  log: Log;
  topics: readonly string[];
}

interface WatchedRules {
  epoch: number;
  count: number;
  watch: RuleWatch;
}

/** Sightings gathered before they are settled out of turn. */
const maxGathered = 5000;

/** What one sink has seen and not settled yet. */
export class AlertReader {
  readonly #parts: AlertReaderParts;
  #rules: WatchedRules | undefined;
  #sightings: PlacedSighting[] = [];
  readonly #positions = new Map<string, ReadPosition>();
  /** The end of the backbone at a moment, until all of it is read. */
  #mark: AlertReading["readThrough"];
  #settling: Promise<void> = Promise.resolve();

  constructor(parts: AlertReaderParts) {
    this.#parts = parts;
  }

  /** What came after a rule was made is seen with it: the rules are looked at anew for each batch. */
  async take(records: readonly BusRecord[]): Promise<void> {
    if (this.#sightings.length >= maxGathered) await this.settle();
    const { watch } = await this.#current();
    for (const record of records) {
      const { topic, partition, offset } = record;
      // Dealt anew, a partition may bring again what was gathered and not settled yet.
      if (offset < (this.#positions.get(`${topic}/${partition}`)?.offset ?? 0)) continue;
      for (const sighting of seen(watch, record)) this.#sightings.push({ ...sighting, topic, partition, offset });
      this.#positions.set(`${topic}/${partition}`, { topic, partition, offset: offset + 1 });
    }
  }

  /** Offsets without a record count as read. */
  pass(positions: readonly ReadPosition[]): void {
    for (const { topic, partition, offset } of positions) {
      this.#positions.set(`${topic}/${partition}`, { topic, partition, offset });
    }
  }

  /** Of rules that are switched on. */
  async ruleCount(): Promise<number> {
    return (await this.#current()).count;
  }

  /** Where the partitions end that hold something. */
  async ends(): Promise<ReadPosition[]> {
    const { bus, topics } = this.#parts;
    const ends: ReadPosition[] = [];
    for (const topic of topics) {
      for (const { partition, earliest, next } of await bus.offsets(topic)) {
        if (next > earliest) ends.push({ topic, partition, offset: next });
      }
    }
    return ends;
  }

  /** Writes and judges, by the clock as well. Throws only what passes. Calls follow each other. */
  settle(): Promise<void> {
    const settled = this.#settling.then(() => this.#settle());
    this.#settling = settled.catch(() => {});
    return settled;
  }

  async #settle(): Promise<void> {
    const { alerts, bus, log } = this.#parts;
    this.#mark ??= await this.#end();
    const positions = [...this.#positions.values()];
    const sightings = this.#sightings.splice(0);
    try {
      const { raised, resolved, isThrough } = await alerts.settle({ positions, sightings, readThrough: this.#mark });
      if (isThrough) this.#mark = undefined;
      if (raised + resolved > 0) bus.signal("outbox");
    } catch (error) {
      if (isPlatformError(error) && error.retryable) {
        this.#sightings.unshift(...sightings);
        throw error;
      }
      // It would hold up all other alerts for ever. The positions go with what is settled next.
      log.error(
        { sightings: sightings.length, error: messageOf(error) },
        "what was seen for alerts could not be settled",
      );
      return;
    }
    this.#forget(positions);
  }

  #forget(settled: readonly ReadPosition[]): void {
    for (const { topic, partition, offset } of settled) {
      const name = `${topic}/${partition}`;
      if (this.#positions.get(name)?.offset === offset) this.#positions.delete(name);
    }
  }

  async #current(): Promise<WatchedRules> {
    const { rules: store } = this.#parts.alerts;
    if (this.#rules !== undefined && this.#rules.epoch === (await store.epoch())) return this.#rules;
    const { epoch, rules } = await store.watched();
    this.#rules = { epoch, count: rules.length, watch: new RuleWatch(rules) };
    return this.#rules;
  }

  /** The moment is from before the ends are: what comes between the two is read as well. */
  async #end(): Promise<NonNullable<AlertReading["readThrough"]>> {
    const at = this.#parts.clock.now();
    return { at, ends: await this.ends() };
  }
}

/** What is no event and no log record others set aside. */
function seen(watch: RuleWatch, record: BusRecord): Sighting[] {
  if (record.topic === topics.logs) {
    const log = watch.wantsLogs ? decodeLogRecord(record.value) : undefined;
    return log === undefined ? [] : watch.seeLog(log);
  }
  if (!watch.wantsEvents) return [];
  const decoded = decodeRecord(record);
  return decoded.ok ? watch.seeEvent(decoded.event, record.at, record.topic === topics.platform) : [];
}
