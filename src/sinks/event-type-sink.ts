import type { EventTypeStore, TypeObservation } from "../catalog/event-types.ts";
import { decodeRecord } from "../events/bus-binding.ts";
import type { CloudEvent } from "../events/cloud-event.ts";
import { eventTypeGroup } from "../events/consumer-groups.ts";
import type { TypeShape } from "../events/schema/shape.ts";
import { topics } from "../events/topics.ts";
import { isPlatformError, messageOf } from "../foundation/errors.ts";
import { SinkLoop, type SinkLoopParts } from "./sink-loop.ts";
import { TypeLearner } from "./type-learner.ts";

export interface EventTypeSinkParts extends SinkLoopParts {
  eventTypes: EventTypeStore;
  /** Between two writes of what was learned. */
  flushMs?: number;
}

interface SeenEvent {
  event: CloudEvent;
  at: number;
}

/** Types of one transaction: others wait for the catalog meanwhile. */
const typesPerWrite = 50;
/** Types remembered between writes; those not seen for longest go first, and are read again when they come back. */
const maxRemembered = 2000;

/**
 * Learns the types of events and their schemas from the backbone. It gathers, and writes at most once in `flushMs`.
 * Written before committed: a crash in between counts some events again, so counts are approximate; a shape does not
 * change by being fed the same again, but for its counts. What is no event the router sets aside, not this; and what
 * cannot be learned of an event is left out, for the event itself is none the worse for it.
 */
export class EventTypeSink extends SinkLoop<SeenEvent> {
  constructor({ eventTypes, flushMs = 1000, ...parts }: EventTypeSinkParts) {
    const memory = new TypeMemory(parts, eventTypes);
    super(parts, {
      group: eventTypeGroup,
      topics: [topics.events, topics.platform],
      noun: "event types",
      batchSize: 500,
      read(record) {
        const decoded = decodeRecord(record);
        return decoded.ok ? { kind: "item", item: { event: decoded.event, at: record.at } } : { kind: "passed-over" };
      },
      store: (events) => memory.learn(events),
      flush: { everyMs: flushMs, run: () => memory.write() },
    });
  }
}

class TypeMemory {
  readonly #parts: SinkLoopParts;
  readonly #store: EventTypeStore;
  /** In the order they were last seen in a batch. */
  readonly #learners = new Map<string, TypeLearner>();
  #toldOfLimit = false;

  constructor(parts: SinkLoopParts, store: EventTypeStore) {
    this.#parts = parts;
    this.#store = store;
  }

  async learn(events: readonly SeenEvent[]): Promise<void> {
    await this.#recall(new Set(events.map(({ event }) => event.type)));
    for (const { event, at } of events) this.#learners.get(event.type)?.see(event, at);
  }

  /** Has a learner for each of the types, with what is known of it. */
  async #recall(types: ReadonlySet<string>): Promise<void> {
    const shapes = await this.#shapesOf([...types].filter((type) => !this.#learners.has(type)));
    for (const type of types) {
      const learner = this.#learners.get(type) ?? new TypeLearner(type, shapes.get(type));
      this.#learners.delete(type);
      this.#learners.set(type, learner);
    }
  }

  /** One that cannot be read counts as unknown. */
  async #shapesOf(types: readonly string[]): Promise<Map<string, TypeShape>> {
    try {
      return await this.#store.shapes(types);
    } catch (error) {
      if (isPassing(error)) throw error;
      const [type = ""] = types;
      if (types.length > 1) {
        const [some, others] = halvesOf(types);
        return new Map([...(await this.#shapesOf(some)), ...(await this.#shapesOf(others))]);
      }
      this.#parts.log.warn({ type, error: messageOf(error) }, "what is known of an event type could not be read");
      return new Map();
    }
  }

  async write(): Promise<void> {
    const waiting = [...this.#learners.values()].filter((learner) => learner.hasNews);
    for (let from = 0; from < waiting.length; from += typesPerWrite) {
      const learners = waiting.slice(from, from + typesPerWrite);
      await this.#writeSound(learners.map((learner) => learner.observation()));
    }
    for (const type of this.#learners.keys()) {
      if (this.#learners.size <= maxRemembered) break;
      this.#learners.delete(type);
    }
  }

  /** One that cannot be written is left out, and does not take the others with it. */
  async #writeSound(observations: readonly TypeObservation[]): Promise<void> {
    try {
      await this.#writeSome(observations);
    } catch (error) {
      if (isPassing(error)) throw error;
      if (observations.length > 1) {
        for (const half of halvesOf(observations)) await this.#writeSound(half);
        return;
      }
      const [{ type } = { type: "" }] = observations;
      this.#learners.delete(type);
      this.#parts.log.warn({ type, error: messageOf(error) }, "what was seen of an event type could not be stored");
    }
  }

  async #writeSome(observations: readonly TypeObservation[]): Promise<void> {
    const { bus, log } = this.#parts;
    const learned = await this.#store.learn(observations);
    for (const { type, outcome, shape } of learned) {
      if (outcome === "forgotten") this.#learners.delete(type);
      else this.#learners.get(type)?.written(shape, outcome !== "refused");
      if (outcome !== "refused" || this.#toldOfLimit) continue;
      this.#toldOfLimit = true;
      log.warn({ type }, "there are too many event types: what is new is not learned; an id may be part of the type");
    }
    if (learned.some(({ outcome }) => outcome === "drifted")) bus.signal("outbox");
  }
}

/** The loop tries again. */
function isPassing(error: unknown): boolean {
  return isPlatformError(error) && error.retryable;
}

function halvesOf<Item>(items: readonly Item[]): [Item[], Item[]] {
  const middle = Math.ceil(items.length / 2);
  return [items.slice(0, middle), items.slice(middle)];
}
