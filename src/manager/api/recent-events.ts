import type { CloudEvent } from "../../events/cloud-event.ts";
import { eventDigestOf } from "../../events/event-key.ts";
import type { EventKey } from "../../foundation/ids.ts";

/** An event that this process accepted. */
export interface RecentEvent {
  /** The event's JSON. */
  body: Uint8Array;
  acceptedAt: number;
}

/** The newest accepted events, by key, within bounds of number and size; older ones are forgotten. */
export class RecentEvents {
  readonly #events = new Map<EventKey, RecentEvent>();
  /** One walk over the map that never starts anew: a new one would pass all that was deleted before it. */
  readonly #oldest = this.#events.entries();
  readonly #maxCount: number;
  readonly #maxBytes: number;
  #bytes = 0;

  constructor({ maxCount, maxBytes }: { maxCount: number; maxBytes: number }) {
    this.#maxCount = maxCount;
    this.#maxBytes = maxBytes;
  }

  get(key: EventKey): RecentEvent | undefined {
    return this.#events.get(key);
  }

  /** What it said, as the ledger keeps it of older ones. */
  digestOf(key: EventKey): string | undefined {
    const event = this.#events.get(key);
    return event && eventDigestOf(JSON.parse(Buffer.from(event.body).toString()) as CloudEvent);
  }

  /** The first that came under a key is the one that counts; a repeat changes nothing. */
  add(key: EventKey, event: RecentEvent): void {
    if (this.#events.has(key)) return;
    this.#events.set(key, event);
    this.#bytes += event.body.length;
    while (this.#events.size > this.#maxCount || this.#bytes > this.#maxBytes) {
      const oldest = this.#oldest.next();
      if (oldest.done) return;
      const [oldestKey, { body }] = oldest.value;
      this.#events.delete(oldestKey);
      this.#bytes -= body.length;
    }
  }
}
