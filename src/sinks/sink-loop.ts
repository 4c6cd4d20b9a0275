import type { Bus, BusRecord, GroupPosition, SubscribeOptions, Subscription } from "../bus/bus.ts";
import { deadLetter } from "../events/dead-letter.ts";
import { type Clock, sleep } from "../foundation/clock.ts";
import { messageOf } from "../foundation/errors.ts";
import { giveWay, noticeableMs } from "../foundation/give-way.ts";
import type { Log } from "../foundation/log.ts";
import { Outage } from "../foundation/outage.ts";
import { Persistence } from "../foundation/persistence.ts";
import type { IdleTime } from "../foundation/turn.ts";

export interface SinkLoopParts {
  bus: Bus;
  clock: Clock;
  log: Log;
  /** Of a thread that is shared with whoever accepts events: the sink then gives way to them. */
  idleTime?: IdleTime;
  /** Of the store: from the first record of a batch until it is written, unless it is full. 0 if not given. */
  gatherMs?: number;
}

/** What a record of the backbone is to a sink. */
export type SinkReading<Item> =
  | { kind: "item"; item: Item }
  /** Goes to the dead letters with the reason, which follows on "it": `is not a log record`. */
  | { kind: "unreadable"; reason: string }
  /** Not for this sink; or another reader of the topic sets it aside. */
  | { kind: "passed-over" };

/** What one sink does with what the loop reads for it. */
export interface SinkWork<Item> {
  group: string;
  topics: readonly string[];
  /** One of what it stores, with its article, for messages: "a log record". */
  noun: string;
  /** Records taken from the bus at once. */
  batchSize: number;
  /** Never throws (rule D12). */
  read(record: BusRecord): SinkReading<Item>;
  /** Takes all items or, when it throws, none. After a crash it is given some again, in the same order. */
  store(items: readonly Item[]): Promise<void>;
  /** Offsets without a record were passed, behind all that was stored. */
  pass?(positions: readonly GroupPosition[]): void;
  /** Where the store knows better than the bus how far it has come: see the bus's `SubscribeOptions`. */
  resumeAt?: SubscribeOptions["resumeAt"];
  /**
   * For a sink whose `store` only gathers: what is gathered is durable once this resolves, and places are committed
   * after it. Throws only what passes; a stop does not wait for that, and what was not written is read again.
   */
  flush?: { everyMs: number; run(): Promise<void> };
}

/** Nobody waits for what a sink stores: while others are busy it takes a twentieth of the thread. */
const sinkShare = 20;
/** Between two commits of its place on the bus, of which each is a sync: what is stored twice after a crash is there once. */
const commitMs = 500;
/**
 * Between a reading that does not fill the batch and what is made of it: those who route and run have the thread first, and a batch
 * costs two commits, whatever is in it. Longer where many are about to come.
 */
const lingerMs = 15;
const lingerAmongManyMs = 40;
const fewRecords = 8;

/** Failures to commit that are closer together are one outage. */
const steadyMs = 5000;

interface Read<Item> {
  record: BusRecord;
  item: Item;
}

/**
 * Carries records from the backbone to a store. Stored before committed: a crash in between stores
 * them again. A record that cannot be stored goes to the dead letters and the partition moves on
 * (rule D12); a store that is down is waited for.
 */
export class SinkLoop<Item> {
  readonly #parts: SinkLoopParts;
  readonly #work: SinkWork<Item>;
  readonly #stopping = new AbortController();
  /** Stored or set aside, not yet committed; by topic and partition. */
  readonly #positions = new Map<string, GroupPosition>();
  #settledAt = 0;
  /** Since it last gave way. */
  #workedMs = 0;
  readonly #committing: Outage;
  readonly #persistence: Persistence;
  #done: Promise<void> | undefined;

  constructor(parts: SinkLoopParts, work: SinkWork<Item>) {
    this.#parts = parts;
    this.#work = work;
    const { clock, log } = parts;
    this.#persistence = new Persistence({ clock, log, stopping: this.#stopping.signal });
    const place = `the place of ${work.noun}`;
    const fails = `could not commit ${place}; some may be read again`;
    this.#committing = new Outage({ clock, log, fails, works: `could commit ${place} again`, steadyMs });
  }

  /** What keeps it from its work, by its consumer group. */
  health(): Record<string, string | undefined> {
    return { [this.#work.group]: this.#persistence.trouble };
  }

  /** Resolves once it reads; a failure to subscribe rejects. */
  async start(): Promise<void> {
    const { group, topics, batchSize, resumeAt } = this.#work;
    const subscription = await this.#parts.bus.subscribe({
      group,
      topics,
      from: "earliest",
      maxRecords: batchSize,
      ...(resumeAt && { resumeAt }),
    });
    this.#settledAt = this.#parts.clock.monotonic();
    this.#done = this.#run(subscription);
  }

  /** Resolves when the batch under way is stored and committed, or has failed once more. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#done;
  }

  async #run(subscription: Subscription): Promise<void> {
    const { clock } = this.#parts;
    const { signal } = this.#stopping;
    let reading: Promise<BusRecord[] | undefined> | undefined;
    while (!signal.aborted) {
      reading ??= this.#persistence
        .run("read the bus", () => subscription.next(signal), { waits: true })
        .then((read) => read?.result);
      const records = await this.#unlessDue(reading);
      if (records === "due") {
        await this.#settle(subscription);
        continue;
      }
      reading = undefined;
      const batch = records && (await this.#gather(subscription, records));
      const began = clock.monotonic();
      if (batch === undefined || !(await this.#storeAll(batch))) break;
      for (const { topic, partition, offset } of batch) {
        this.#reach({ topic, partition, offset: offset + 1 });
      }
      this.#pass(subscription.passed?.() ?? []);
      if (this.#settlesInMs() <= 0) await this.#settle(subscription);
      await this.#giveWay(clock.monotonic() - began);
    }
    await this.#settle(subscription);
    await subscription.close();
  }

  /** Some may lie before records of the batch that was gathered. */
  #pass(passed: readonly GroupPosition[]): void {
    const behind = passed.filter((position) => position.offset > (this.#positions.get(keyOf(position))?.offset ?? -1));
    if (behind.length > 0) this.#work.pass?.(behind);
    for (const position of behind) this.#reach(position);
  }

  #reach(position: GroupPosition): void {
    this.#positions.set(keyOf(position), position);
  }

  /** What follows soon is of the same batch. Nothing is being read any more when it resolves. */
  async #gather(subscription: Subscription, first: readonly BusRecord[]): Promise<readonly BusRecord[]> {
    const { clock, gatherMs = 0 } = this.#parts;
    const { batchSize } = this.#work;
    if (first.length >= batchSize) return first;
    const linger = first.length > fewRecords ? lingerAmongManyMs : lingerMs;
    await sleep(clock, linger, this.#stopping.signal);
    if (gatherMs <= linger) return first;
    const batch = [...first];
    const over = new AbortController();
    const timer = clock.setTimer(gatherMs - linger, () => over.abort(true));
    const ends = AbortSignal.any([this.#stopping.signal, over.signal]);
    try {
      while (batch.length < batchSize && !ends.aborted) {
        batch.push(...((await subscription.next(ends)) ?? []));
        await sleep(clock, lingerMs, ends);
      }
    } catch {
      // What was read is written; the next reading says what is wrong.
    } finally {
      timer.cancel();
    }
    return batch;
  }

  /** Small batches add up: together they hold others up as one large batch does. */
  async #giveWay(workedMs: number): Promise<void> {
    const { clock, idleTime } = this.#parts;
    this.#workedMs += workedMs;
    if (idleTime === undefined || this.#workedMs < noticeableMs) return;
    await giveWay({ clock, idleTime, share: sinkShare }, this.#workedMs, this.#stopping.signal);
    this.#workedMs = 0;
  }

  /** What `reading` brings; "due" when what was stored has waited long enough to be settled before it brings anything. */
  async #unlessDue(reading: Promise<BusRecord[] | undefined>): Promise<BusRecord[] | undefined | "due"> {
    if (this.#positions.size === 0) return reading;
    const read = new AbortController();
    const due = sleep(this.#parts.clock, this.#settlesInMs(), read.signal).then(() => "due" as const);
    try {
      return await Promise.race([reading, due]);
    } finally {
      read.abort(true);
    }
  }

  #settlesInMs(): number {
    return this.#settledAt + (this.#work.flush?.everyMs ?? commitMs) - this.#parts.clock.monotonic();
  }

  /** Makes durable what is gathered, then commits. */
  async #settle(subscription: Subscription): Promise<void> {
    const { clock } = this.#parts;
    const { flush, noun } = this.#work;
    this.#settledAt = clock.monotonic();
    if (this.#positions.size === 0) return;
    if (flush && (await this.#persistence.run(`store ${noun}`, () => flush.run())) === undefined) return;
    try {
      await subscription.commit([...this.#positions.values()]);
      this.#positions.clear();
      this.#committing.worked();
    } catch (error) {
      this.#committing.failed(error);
    }
  }

  /** False when stopped before every record was stored or set aside. */
  async #storeAll(records: readonly BusRecord[]): Promise<boolean> {
    const items: Read<Item>[] = [];
    for (const record of records) {
      const reading = this.#work.read(record);
      if (reading.kind === "item") items.push({ record, item: reading.item });
      else if (reading.kind === "unreadable" && !(await this.#setAside(record, reading.reason))) return false;
    }
    return this.#store(items);
  }

  async #store(read: readonly Read<Item>[]): Promise<boolean> {
    const [first] = read;
    if (first === undefined) return true;
    const { noun, store } = this.#work;
    try {
      const items = read.map(({ item }) => item);
      return (await this.#persistence.run(`store ${noun}`, () => store(items))) !== undefined;
    } catch (error) {
      if (read.length === 1) return this.#setAside(first.record, `could not be stored: ${messageOf(error)}`);
      // One of them is at fault: the others must not go with it.
      const middle = Math.ceil(read.length / 2);
      return (await this.#store(read.slice(0, middle))) && (await this.#store(read.slice(middle)));
    }
  }

  async #setAside(record: BusRecord, reason: string): Promise<boolean> {
    const { bus, log } = this.#parts;
    const { topic, partition, offset } = record;
    log.warn({ topic, partition, offset, reason }, `${this.#work.noun} goes to the dead letters`);
    return (
      (await this.#persistence.run("write a dead letter", () => bus.publish([deadLetter(record, reason)]))) !==
      undefined
    );
  }
}

function keyOf({ topic, partition }: GroupPosition): string {
  return `${topic}/${partition}`;
}
