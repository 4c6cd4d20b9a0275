import type { Bus, SignalChannel } from "../../bus/bus.ts";
import { type Clock, sleep } from "../../foundation/clock.ts";

/** Resolves at the next signal, after `atMostMs` (signals may be lost), or when `stopped` aborts. */
export async function waitForSignal(
  { bus, clock }: { bus: Bus; clock: Clock },
  channel: SignalChannel,
  atMostMs: number,
  stopped: AbortSignal,
): Promise<void> {
  const woken = new AbortController();
  const stop = () => woken.abort();
  const unsubscribe = bus.onSignal(channel, stop);
  stopped.addEventListener("abort", stop, { once: true });
  try {
    if (!stopped.aborted) await sleep(clock, atMostMs, woken.signal);
  } finally {
    unsubscribe();
    stopped.removeEventListener("abort", stop);
  }
}
