import { setTimeout as pause } from "node:timers/promises";

interface EventuallyOptions {
  /** How long the condition may take to hold. Generous: it is only used up by a failing test. */
  withinMs?: number;
  /** Pause between two tries. */
  everyMs?: number;
}

/**
 * Waits until `condition` returns (or resolves to) something other than `false`, `null` or `undefined`, and gives that
 * back. A condition that throws does not hold yet, so `expect` may be used inside. Past the deadline it rejects with
 * the last error, or with the last value.
 */
export async function eventually<T>(
  condition: () => T | Promise<T>,
  { withinMs = 30_000, everyMs = 10 }: EventuallyOptions = {},
): Promise<NonNullable<Exclude<T, false>>> {
  const deadline = performance.now() + withinMs;
  for (;;) {
    const last = await attempt(condition);
    if ("value" in last && last.value !== false && last.value !== null && last.value !== undefined) {
      return last.value as NonNullable<Exclude<T, false>>;
    }
    if (performance.now() >= deadline) throw tooLate(withinMs, last);
    await pause(everyMs);
  }
}

type Attempt<T> = { value: T } | { error: unknown };

async function attempt<T>(condition: () => T | Promise<T>): Promise<Attempt<T>> {
  try {
    return { value: await condition() };
  } catch (error) {
    return { error };
  }
}

function tooLate(withinMs: number, last: Attempt<unknown>): Error {
  const found = "value" in last ? `it was ${String(last.value)}` : messageOf(last.error);
  const cause = "error" in last ? { cause: last.error } : undefined;
  return new Error(`The condition did not hold within ${withinMs} ms: ${found}`, cause);
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
