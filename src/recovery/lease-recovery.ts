import type { Bus } from "../bus/bus.ts";
import type { LeaseStore } from "../catalog/leases.ts";
import type { Clock } from "../foundation/clock.ts";
import type { Log } from "../foundation/log.ts";
import { Loop } from "../foundation/loop.ts";

export interface LeaseRecoveryParts {
  bus: Bus;
  leases: LeaseStore;
  clock: Clock;
  log: Log;
  pollMs: number;
}

const batchSize = 200;

/**
 * Finds attempts whose executor fell silent and has the catalog end them (rules D7, D8). Any number
 * may run: the catalog ends each lease once.
 */
export class LeaseRecovery {
  readonly #loop: Loop;
  readonly #parts: LeaseRecoveryParts;

  constructor(parts: LeaseRecoveryParts) {
    this.#parts = parts;
    const { clock, log, pollMs } = parts;
    this.#loop = new Loop({ name: "lease recovery", clock, log, idleMs: pollMs, work: () => this.#recover() });
  }

  start(): void {
    this.#loop.start();
  }

  async stop(): Promise<void> {
    await this.#loop.stop();
  }

  async #recover(): Promise<void> {
    const { bus, leases, log } = this.#parts;
    for (;;) {
      const expired = await leases.expire(batchSize);
      for (const { id, became } of expired) log.warn({ execution: id, became }, "lease expired: the attempt was lost");
      if (expired.length > 0) {
        bus.signal("dispatch");
        bus.signal("outbox");
      }
      if (expired.length < batchSize) return;
    }
  }
}
