import type { LeaseStore } from "../catalog/leases.ts";
import type { Clock, Timer } from "../foundation/clock.ts";
import { messageOf } from "../foundation/errors.ts";
import type { Log } from "../foundation/log.ts";
import type { Attempt } from "./attempt.ts";
import type { Outages } from "./outages.ts";
import { Patience } from "./patience.ts";

/** A slot was about to come free when it was claimed: after so long without one it is for others to run. */
const giveBackAfterMs = 250;
/** Whose time comes so soon goes with the others. */
const togetherMs = 50;

export interface ClaimedAheadParts {
  leases: LeaseStore;
  clock: Clock;
  log: Log;
  outages: Outages;
  /** Ends the repeating. */
  abandoned: AbortSignal;
  /** They were given back, or nobody knows whether: they are not to be begun, nor their leases to be kept. */
  onGone(attempts: readonly Attempt[]): void;
}

/** Attempts that are claimed and wait for a slot, in the order of their claims. None waits for long: it is begun, or given back uncounted. */
export class ClaimedAhead {
  readonly #parts: ClaimedAheadParts;
  readonly #waiting: { attempt: Attempt; since: number }[] = [];
  #timer: Timer | undefined;
  #giving: Promise<void> = Promise.resolve();

  constructor(parts: ClaimedAheadParts) {
    this.#parts = parts;
  }

  get size(): number {
    return this.#waiting.length;
  }

  add(attempt: Attempt): void {
    this.#waiting.push({ attempt, since: this.#parts.clock.monotonic() });
    this.#timer ??= this.#look(giveBackAfterMs);
  }

  /** The next to begin, of those that may. */
  take(may: (attempt: Attempt) => boolean = () => true): Attempt | undefined {
    const index = this.#waiting.findIndex(({ attempt }) => may(attempt));
    return index === -1 ? undefined : this.#waiting.splice(index, 1)[0]?.attempt;
  }

  /** Resolves once all that wait, and those before them, are given back. */
  async giveBack(): Promise<void> {
    this.#timer?.cancel();
    this.#release(this.#waiting.length);
    await this.#giving;
  }

  #look(inMs: number): Timer {
    return this.#parts.clock.setTimer(inMs, () => {
      this.#timer = undefined;
      const longAgo = this.#parts.clock.monotonic() - giveBackAfterMs;
      const staying = this.#waiting.findIndex(({ since }) => since > longAgo + togetherMs);
      this.#release(staying === -1 ? this.#waiting.length : staying);
      const [oldest] = this.#waiting;
      if (oldest !== undefined) this.#timer = this.#look(oldest.since - longAgo);
    });
  }

  #release(count: number): void {
    const attempts = this.#waiting.splice(0, count).map(({ attempt }) => attempt);
    if (attempts.length === 0) return;
    this.#giving = Promise.all([this.#giving, this.#giveUp(attempts)]).then(() => {});
  }

  /** Insists while their leases last: by itself a catalog that is away costs them no loss (rule D7). */
  async #giveUp(attempts: readonly Attempt[]): Promise<void> {
    const { leases, clock, log, outages, abandoned, onGone } = this.#parts;
    const mayGoOn = () => attempts.some((attempt) => attempt.isHeld(0));
    const { insist } = new Patience({ clock, outages, stopping: abandoned, mayGoOn });
    try {
      await insist(() => leases.release(attempts.map(({ lease }) => lease)));
    } catch (error) {
      const facts = { executions: attempts.length, error: messageOf(error) };
      log.error(facts, "could not give back what was not begun; it counts as lost");
    }
    onGone(attempts);
  }
}
