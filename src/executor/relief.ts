import type { Clock, Timer } from "../foundation/clock.ts";
import type { Slots } from "./slots.ts";

/**
 * Where a slot comes free more often, claims go round the services often enough by themselves. It is also how long whoever comes while there
 * is nobody to relieve waits at most, and so how seldom the catalog is asked in vain while a service floods it.
 */
export const reliefAfterMs = 500;

export interface ReliefParts {
  clock: Clock;
  slots: Pick<Slots, "hasRelief" | "fullSince">;
  /** It may be due now. */
  onDue(): void;
}

/**
 * When a service that has no run here is to have one beside those that hold all slots. While slots come free, or while there is
 * nobody but who holds them, that is never: the slots are everybody's.
 */
export class Relief {
  readonly #parts: ReliefParts;
  #inVainAt = Number.NEGATIVE_INFINITY;
  #timer: Timer | undefined;

  constructor(parts: ReliefParts) {
    this.#parts = parts;
  }

  /** Whether somebody is to be looked for now. Where it is too soon `onDue` is called when it is not. */
  isDue(): boolean {
    const { clock, slots, onDue } = this.#parts;
    if (!slots.hasRelief) return false;
    const waitMs = Math.max(slots.fullSince, this.#inVainAt) + reliefAfterMs - clock.monotonic();
    if (waitMs <= 0) return true;
    this.#timer ??= clock.setTimer(waitMs, () => {
      this.#timer = undefined;
      onDue();
    });
    return false;
  }

  /** Nobody was found. */
  inVain(): void {
    this.#inVainAt = this.#parts.clock.monotonic();
  }

  /** Calls `onDue` no more. */
  stop(): void {
    this.#timer?.cancel();
  }
}
