import type { ServiceName } from "../catalog/leases.ts";
import { invariant } from "../foundation/assert.ts";
import type { Clock } from "../foundation/clock.ts";

export interface SlotsParts {
  clock: Clock;
  slots: number;
  /** Beside them. */
  reliefSlots: number;
}

/**
 * Who has which place to run in. As many as there are slots are everybody's; what comes on top of them is relief, whichever numbers that are: when
 * any run ends while there is relief, relief is what ends, so that it is there again for the next who needs it.
 */
export class Slots {
  readonly #clock: Clock;
  readonly #slots: number;
  readonly #unused: number[];
  readonly #users = new Map<number, ServiceName>();
  #fullSince = Number.NEGATIVE_INFINITY;

  constructor({ clock, slots, reliefSlots }: SlotsParts) {
    this.#clock = clock;
    this.#slots = slots;
    this.#unused = Array.from({ length: slots + reliefSlots }, (_, n) => n).reverse();
  }

  /** Slots that are everybody's. */
  get free(): number {
    return Math.max(0, this.#slots - this.#users.size);
  }

  /** All that are everybody's are taken, and one for relief is left. */
  get hasRelief(): boolean {
    return this.free === 0 && this.#unused.length > 0;
  }

  /** By the monotonic clock: since when no slot has been free, as long as that is so. */
  get fullSince(): number {
    return this.#fullSince;
  }

  /** Each that has a run here, once. */
  get users(): ServiceName[] {
    const named = new Map([...this.#users.values()].map((user) => [`${user.project}/${user.service}`, user]));
    return [...named.values()];
  }

  isUsedBy({ project, service }: ServiceName): boolean {
    return [...this.#users.values()].some((user) => user.project === project && user.service === service);
  }

  /** Answers its number, from 0, which is nobody else's until it is left. */
  take(user: ServiceName): number {
    const wasFree = this.free > 0;
    const place = this.#unused.pop();
    invariant(place !== undefined, "a run was begun without a place for it");
    this.#users.set(place, user);
    if (wasFree && this.free === 0) this.#fullSince = this.#clock.monotonic();
    return place;
  }

  leave(place: number): void {
    if (this.#users.delete(place)) this.#unused.push(place);
  }
}
