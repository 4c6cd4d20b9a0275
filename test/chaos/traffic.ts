import { setTimeout as pause } from "node:timers/promises";
import type { ApiClient } from "../support/fx-process.ts";

export const batchEvents = 500;
/** One event in so many begins a chain; the others are only decided. */
export const chainEvery = 200;

/** A client that sends batches of events, each again until it is told that it is durable, and some once more for no reason. */
export class Traffic {
  /** Keys of what was acknowledged. */
  readonly acknowledged = new Set<string>();
  /** Chains that were begun: correlation ids are the ids of their events. */
  readonly chains = new Set<string>();
  /** Batches that had to be sent more than once. */
  repeats = 0;
  readonly #api: ApiClient;
  #sent = 0;

  constructor(api: ApiClient) {
    this.#api = api;
  }

  /** So many new events. */
  async send(count: number): Promise<void> {
    const end = this.#sent + count;
    while (this.#sent < end) {
      const first = this.#sent;
      const events = Array.from({ length: Math.min(batchEvents, end - first) }, (_, n) => this.#event(first + n));
      this.#sent += events.length;
      await this.#send(events);
      if ((first / batchEvents) % 10 === 0) await this.#send(events);
    }
  }

  #event(n: number) {
    const isChain = n % chainEvery === 0;
    const type = isChain ? "chain.first" : "noise";
    if (isChain) this.chains.add(`e-${n}`);
    return { specversion: "1.0", id: `e-${n}`, source: "/chaos", type, data: { n } };
  }

  async #send(events: readonly object[]): Promise<void> {
    for (let tries = 0; ; tries += 1) {
      try {
        const answer = await this.#api.request<{ accepted: { key: string }[] }>(
          "POST",
          "/events",
          JSON.stringify(events),
          "application/cloudevents-batch+json",
        );
        for (const { key } of answer.accepted) this.acknowledged.add(key);
        if (tries > 0) this.repeats += 1;
        return;
      } catch (error) {
        if (tries > 3000) throw error;
        await pause(100);
      }
    }
  }
}
