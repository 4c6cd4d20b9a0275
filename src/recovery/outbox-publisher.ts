import type { Bus } from "../bus/bus.ts";
import type { OutboxStore } from "../catalog/outbox.ts";
import { encodeRecord } from "../events/bus-binding.ts";
import { type Clock, sleep } from "../foundation/clock.ts";
import { messageOf } from "../foundation/errors.ts";
import type { Log } from "../foundation/log.ts";
import { Loop } from "../foundation/loop.ts";

export interface OutboxPublisherParts {
  bus: Bus;
  outbox: OutboxStore;
  clock: Clock;
  log: Log;
  /** Longest wait when a signal was lost. */
  pollMs: number;
}

const batchSize = 1000;
/** Each batch costs commits here, in the router and in every sink; and the run that it tells of starts meanwhile. */
const lingerMs = 5;
/** Of a stop. */
const lastMs = 2000;

/**
 * Sends what catalog changes left in the outbox, then removes it (rule D1). A crash in between sends
 * again, with the same ids, so that routing sees repeats and drops them. Any number may run: each sends what no other has in hand.
 */
export class OutboxPublisher {
  readonly #loop: Loop;
  readonly #parts: OutboxPublisherParts;
  #unsubscribe: (() => void) | undefined;

  constructor(parts: OutboxPublisherParts) {
    this.#parts = parts;
    const { clock, log, pollMs } = parts;
    this.#loop = new Loop({
      name: "outbox",
      clock,
      log,
      idleMs: pollMs,
      lingerMs,
      work: (stopping) => this.#publishAll(stopping),
    });
  }

  start(): void {
    this.#unsubscribe = this.#parts.bus.onSignal("outbox", () => this.#loop.wake());
    this.#loop.start();
  }

  /** Sends what was left by those that stopped before it, where that is done soon; else whoever looks next does. */
  async stop(): Promise<void> {
    const { clock, log } = this.#parts;
    this.#unsubscribe?.();
    await this.#loop.stop();
    const late = new AbortController();
    const last = this.#publishAll(late.signal).catch((error) => {
      log.warn({ error: messageOf(error) }, "what is left in the outbox is sent later");
    });
    await Promise.race([last.finally(() => late.abort()), sleep(clock, lastMs, late.signal)]);
    late.abort();
  }

  async #publishAll(stopping: AbortSignal): Promise<void> {
    const { bus, outbox } = this.#parts;
    while (!stopping.aborted) {
      const sent = await outbox.send(batchSize, async (entries) => {
        await bus.publish(entries.map(({ topic, event }) => encodeRecord(topic, event)));
      });
      if (sent < batchSize) return;
    }
  }
}
