import { type Clock, sleep } from "../foundation/clock.ts";
import { isPlatformError, PlatformError } from "../foundation/errors.ts";
import type { Outages } from "./outages.ts";

const firstPauseMs = 100;
const longestPauseMs = 5000;

/**
 * Does the work again, with growing pauses, for as long as it fails for a passing reason and the attempt may go on. Rejects with
 * any other error, and with the latest once the attempt is stopped or its lease is over. Work must bear being done twice.
 */
export type Insist = <Result>(work: () => Promise<Result>) => Promise<Result>;

export interface PatienceParts {
  clock: Clock;
  /** Ends all waiting at once. */
  stopping: AbortSignal;
  /** False once the lease is over: nothing more may be done for the attempt then (rule D8). */
  mayGoOn(): boolean;
  outages: Outages;
}

/** How an attempt waits for engines that are away: by itself that costs it nothing but time (rule D7). */
export class Patience {
  readonly #parts: PatienceParts;
  #waiting = 0;
  /** By the monotonic clock: when work last waited. */
  #waitedUntil = Number.NEGATIVE_INFINITY;

  constructor(parts: PatienceParts) {
    this.#parts = parts;
  }

  readonly insist: Insist = async (work) => {
    try {
      return await work();
    } catch (error) {
      if (!this.#bears(error)) throw error;
      return this.#again(work, error);
    }
  };

  /** As `insist`, no longer than `ms`: what fails for a passing reason after that has failed for good. */
  insistFor<Result>(ms: number, work: () => Promise<Result>): Promise<Result> {
    const { clock } = this.#parts;
    const until = clock.monotonic() + ms;
    return this.insist(async () => {
      try {
        return await work();
      } catch (error) {
        if (!isPlatformError(error) || !error.retryable || clock.monotonic() < until) throw error;
        const { code, message, problems } = error;
        throw new PlatformError(code, message, { problems, cause: error, retryable: false });
      }
    });
  }

  /** Whether something waited at that moment of the monotonic clock, or later. */
  waitedSince(moment: number): boolean {
    return this.#waiting > 0 || this.#waitedUntil >= moment;
  }

  async #again<Result>(work: () => Promise<Result>, failure: unknown): Promise<Result> {
    const { clock, stopping, outages } = this.#parts;
    this.#waiting += 1;
    outages.began(failure);
    let latest = failure;
    try {
      for (let pauseMs = firstPauseMs; this.#bears(latest); pauseMs = Math.min(2 * pauseMs, longestPauseMs)) {
        await sleep(clock, pauseMs, stopping);
        // Meanwhile the attempt may have been stopped, or its lease may be over.
        if (!this.#bears(latest)) break;
        try {
          return await work();
        } catch (error) {
          latest = error;
        }
      }
      throw latest;
    } finally {
      this.#waiting -= 1;
      this.#waitedUntil = clock.monotonic();
      outages.ended();
    }
  }

  #bears(error: unknown): boolean {
    const { stopping, mayGoOn } = this.#parts;
    return isPlatformError(error) && error.retryable && !stopping.aborted && mayGoOn();
  }
}
