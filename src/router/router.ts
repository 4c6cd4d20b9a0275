import type { Bus, BusRecord, PassedOffsets, Subscription } from "../bus/bus.ts";
import type { LinkStore } from "../catalog/links.ts";
import type { CatalogNews } from "../catalog/news.ts";
import type {
  RoutedPosition,
  RoutingBatch,
  RoutingDecision,
  RoutingFacts,
  RoutingResult,
  RoutingStore,
} from "../catalog/routing.ts";
import { routerGroup } from "../events/consumer-groups.ts";
import { deadLetter } from "../events/dead-letter.ts";
import { topics } from "../events/topics.ts";
import type { Clock } from "../foundation/clock.ts";
import { messageOf } from "../foundation/errors.ts";
import { giveWay } from "../foundation/give-way.ts";
import type { Ids } from "../foundation/ids.ts";
import type { Log } from "../foundation/log.ts";
import { Outage } from "../foundation/outage.ts";
import { Persistence } from "../foundation/persistence.ts";
import type { IdleTime } from "../foundation/turn.ts";
import { RoutingIndex } from "../services/routing-index.ts";
import { decide, isUnwanted, type RoutingLimits } from "./decide.ts";
import { type ReadEvent, readRecords, type Segment } from "./intake.ts";

/** Between two commits of offsets to the bus, of which each is a sync. */
const commitMs = 500;
/** Failures to commit that are closer together are one outage. */
const steadyMs = 5000;

export interface RouterParts {
  bus: Bus;
  /** `news`: of a catalog that tells when links change, and that executions came. */
  catalog: { routing: RoutingStore; links: LinkStore; news?: CatalogNews | undefined };
  clock: Clock;
  ids: Ids;
  log: Log;
  limits: RoutingLimits;
  /** Records taken from the bus at once: the largest routing transaction. */
  batchSize: number;
  /** Of a thread that is shared with whoever accepts events: routing then gives way to them. */
  idleTime?: IdleTime;
  /** Told of every written batch, for metrics. */
  onRouted?(result: RoutingResult): void;
}

/**
 * Events to executions: reads the backbone in batches, matches each against the links, and has the
 * catalog commit everything that follows from a batch in one transaction (rule D2). Any number of
 * routers may run; the bus deals the partitions among them and the catalog settles races.
 */
export class Router {
  readonly #parts: RouterParts;
  readonly #stopping = new AbortController();
  #index: RoutingIndex | undefined;
  /** Not committed to the bus yet; by topic and partition. */
  readonly #routed = new Map<string, RoutedPosition>();
  #committedAt = Number.NEGATIVE_INFINITY;
  #done: Promise<void> | undefined;

  #unsubscribe: (() => void) | undefined;
  #readingAhead: Promise<void> | undefined;
  readonly #committing: Outage;
  readonly #persistence: Persistence;

  constructor(parts: RouterParts) {
    this.#parts = parts;
    const { clock, log } = parts;
    this.#persistence = new Persistence({ clock, log, stopping: this.#stopping.signal });
    const fails = "could not commit offsets to the bus";
    this.#committing = new Outage({ clock, log, fails, works: "could commit offsets again", steadyMs });
  }

  /** What keeps it from its work. */
  health(): Record<string, string | undefined> {
    return { router: this.#persistence.trouble };
  }

  /** Resolves once it reads; a failure to subscribe rejects. */
  async start(): Promise<void> {
    const { bus, batchSize } = this.#parts;
    const subscription = await bus.subscribe({
      group: routerGroup,
      topics: [topics.events, topics.platform],
      from: "earliest",
      maxRecords: batchSize,
      resumeAt: () => this.#resumeAt(),
    });
    this.#index = await this.#readLinks();
    const { news } = this.#parts.catalog;
    this.#unsubscribe = news?.onChange((change) => change === "links" && this.#readAhead());
    this.#done = this.#run(subscription);
  }

  /** Resolves when the batch under way is written. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    this.#unsubscribe?.();
    await this.#done;
    await this.#readingAhead;
  }

  /** The catalog knows better than the bus where routing stopped: its positions were written with the decisions (rule D13). */
  async #resumeAt(): Promise<RoutedPosition[]> {
    const { catalog, log } = this.#parts;
    const positions = await catalog.routing.positions();
    const lost = await this.#lostOf(positions);
    if (lost.length > 0) {
      log.warn(
        { partitions: lost },
        "the bus ends before what was routed: it was lost, or put back from a copy; routing goes on with what it has",
      );
      await catalog.routing.startAnew(lost);
    }
    return positions.filter((position) => !lost.includes(position));
  }

  /** Positions past the end of their partition. */
  async #lostOf(positions: readonly RoutedPosition[]): Promise<RoutedPosition[]> {
    const ends = new Map<string, number>();
    for (const topic of new Set(positions.map((position) => position.topic))) {
      for (const { partition, next } of await this.#parts.bus.offsets(topic)) ends.set(`${topic}/${partition}`, next);
    }
    return positions.filter(({ topic, partition, offset }) => offset > (ends.get(`${topic}/${partition}`) ?? 0));
  }

  async #run(subscription: Subscription): Promise<void> {
    const { clock, idleTime } = this.#parts;
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      const records = (await this.#persistence.run("read the bus", () => subscription.next(signal), { waits: true }))
        ?.result;
      if (records === undefined) break;
      const began = clock.monotonic();
      for (const segment of readRecords(records)) {
        if (!(await this.#routeSegment(segment))) return this.#leave(subscription);
      }
      const passed = subscription.passed?.() ?? [];
      if (!(await this.#pass(passed))) break;
      for (const position of [...nextPositions(records), ...passed])
        this.#routed.set(`${position.topic}/${position.partition}`, position);
      if (clock.monotonic() - this.#committedAt >= commitMs) await this.#commitOffsets(subscription);
      if (idleTime) await giveWay({ clock, idleTime }, clock.monotonic() - began, signal);
    }
    await this.#leave(subscription);
  }

  /** Now and then: the catalog holds the true positions (rule D13), these tell others how far routing is. */
  async #commitOffsets(subscription: Subscription): Promise<void> {
    const { clock } = this.#parts;
    this.#committedAt = clock.monotonic();
    if (this.#routed.size === 0) return;
    try {
      await subscription.commit([...this.#routed.values()]);
      this.#routed.clear();
      this.#committing.worked();
    } catch (error) {
      // Harmless: a redelivery is counted as duplicate.
      this.#committing.failed(error);
    }
  }

  async #leave(subscription: Subscription): Promise<void> {
    await this.#commitOffsets(subscription);
    try {
      await subscription.close();
    } catch (error) {
      // The group deals its partitions anew without it.
      this.#parts.log.warn({ error: messageOf(error) }, "could not leave the consumer group");
    }
  }

  /** False when stopped before it could be written. */
  async #routeSegment(segment: Segment): Promise<boolean> {
    if (segment.kind === "unreadable") return this.#reject(segment);
    try {
      const result = (await this.#persistence.run("route a batch", () => this.#route(segment)))?.result;
      if (result) this.#announce(result);
      return result !== undefined;
    } catch (error) {
      // Rule D12: one bad event must not hold up its partition, nor take its neighbours with it.
      if (segment.events.length === 1) return this.#setAside(segment.events[0] as ReadEvent, messageOf(error));
      const middle = Math.ceil(segment.events.length / 2);
      for (const events of [segment.events.slice(0, middle), segment.events.slice(middle)]) {
        if (!(await this.#routeSegment({ kind: "events", events }))) return false;
      }
      return true;
    }
  }

  /** An event that cannot be decided as it should is rejected in the ledger; one that even that fails for, in the dead letters alone. */
  async #setAside({ record, incoming }: ReadEvent, message: string): Promise<boolean> {
    const reason = `could not be stored: ${message}`;
    const { key, receivedAt } = incoming;
    try {
      const rejected = await this.#persistence.run("reject an event", async () => {
        await this.#parts.bus.publish([deadLetter(record, reason)]);
        return this.#commit([{ record, incoming }], { linkEpoch: -1 }, () => [
          { outcome: "rejected", key, reason, sequence: 0, verdicts: [], notice: undefined },
        ]);
      });
      if (rejected) this.#announce(rejected.result);
      return rejected !== undefined;
    } catch {
      return this.#reject({ kind: "unreadable", record, reason, receivedAt });
    }
  }

  #route(segment: Extract<Segment, { kind: "events" }>): Promise<RoutingResult> {
    const { limits, ids } = this.#parts;
    const index = this.#index ?? new RoutingIndex({ epoch: -1, links: [], mappings: [] });
    const events = segment.events.map(({ incoming }) => incoming);
    const unwanted = new Set(events.filter((event) => isUnwanted(event, index)).map(({ key }) => key));
    return this.#commit(segment.events, { linkEpoch: index.epoch, unwanted }, (facts) => {
      // Rule D2: links and mappings that changed since the index was built are read in this very transaction.
      if (facts.newer) this.#index = new RoutingIndex(facts.newer);
      return decide(events, facts, this.#index ?? index, limits, ids);
    });
  }

  #commit(
    read: readonly ReadEvent[],
    index: Pick<RoutingBatch, "linkEpoch" | "unwanted">,
    decideAll: (facts: RoutingFacts) => RoutingDecision[],
  ): Promise<RoutingResult> {
    const events = read.map(({ incoming }) => incoming);
    const positions = nextPositions(read.map(({ record }) => record));
    const { bus, catalog } = this.#parts;
    // A catalog that tells of executions tells all processes.
    const onClaimable = catalog.news === undefined ? () => bus.signal("dispatch") : undefined;
    return catalog.routing.route({ events, positions, ...index, onClaimable }, decideAll);
  }

  /** False when stopped before it could be written. */
  async #pass(passed: readonly PassedOffsets[]): Promise<boolean> {
    if (passed.length === 0) return true;
    const write = () => this.#parts.catalog.routing.pass(passed);
    return (await this.#persistence.run("pass what holds no record", write)) !== undefined;
  }

  /** Dead letter before the position moves: a lost commit delivers again, a lost dead letter loses the event. */
  async #reject(segment: Extract<Segment, { kind: "unreadable" }>): Promise<boolean> {
    const { bus, catalog } = this.#parts;
    const { record, reason, receivedAt } = segment;
    const rejected = await this.#persistence.run("reject a record", async () => {
      await bus.publish([deadLetter(record, reason)]);
      const { topic, partition, offset, passed = 0 } = record;
      await catalog.routing.reject([{ topic, partition, offset, passed, reason, receivedAt }]);
      const nothing = { matched: 0, unmatched: 0, duplicate: 0, counted: 0, executions: 0, skipped: 0, mapped: 0 };
      this.#announce({ ...nothing, rejected: 1 });
    });
    return rejected !== undefined;
  }

  #announce(result: RoutingResult): void {
    const { bus, onRouted } = this.#parts;
    if (result.rejected + result.mapped + result.skipped > 0) bus.signal("outbox");
    bus.signal("routed");
    onRouted?.(result);
  }

  /** So that the next batch need not read the links in its transaction, which it would do (rule D2). */
  #readAhead(): void {
    const take = (read: RoutingIndex) => {
      if (read.epoch > (this.#index?.epoch ?? -1)) this.#index = read;
    };
    this.#readingAhead ??= this.#readLinks()
      .then(take, () => {})
      .finally(() => {
        this.#readingAhead = undefined;
      });
  }

  async #readLinks(): Promise<RoutingIndex> {
    return new RoutingIndex(await this.#parts.catalog.links.snapshot());
  }
}

function nextPositions(records: readonly BusRecord[]) {
  const positions = new Map<string, { topic: string; partition: number; offset: number }>();
  for (const { topic, partition, offset } of records) {
    positions.set(`${topic}/${partition}`, { topic, partition, offset: offset + 1 });
  }
  return [...positions.values()];
}
