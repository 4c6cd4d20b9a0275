/**
 * The only source of time. Everything that waits or stamps takes a Clock, so that the simulation
 * can run the real parts under a virtual one.
 */
export interface Clock {
  /** Wall-clock time in milliseconds since the Unix epoch. May step backwards. */
  now(): number;
  /** Milliseconds from an arbitrary origin; never steps backwards. For measuring and deadlines. */
  monotonic(): number;
  /** Runs `run` once after at least `delayMs`; soon, where that moment has passed. A cancelled timer never runs. */
  setTimer(delayMs: number, run: () => void): Timer;
}

export interface Timer {
  cancel(): void;
}

/** The machine's own time. Its timers do not keep the process alive. */
export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  setTimer(delayMs, run) {
    const handle = setTimeout(run, Math.max(0, delayMs));
    handle.unref();
    return { cancel: () => clearTimeout(handle) };
  },
};

/** Resolves after `delayMs`, or at once when `signal` aborts; never rejects. */
export function sleep(clock: Clock, delayMs: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal?.aborted) return resolve();
    const done = () => {
      timer.cancel();
      signal?.removeEventListener("abort", done);
      resolve();
    };
    const timer = clock.setTimer(delayMs, done);
    signal?.addEventListener("abort", done, { once: true });
  });
}
