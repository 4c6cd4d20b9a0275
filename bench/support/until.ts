import { setTimeout as pause } from "node:timers/promises";

/** Asks again until there is an answer; throws after a minute. */
export async function until<Result>(ask: () => Promise<Result | undefined>, everyMs = 20): Promise<Result> {
  const began = performance.now();
  while (performance.now() - began < 60_000) {
    const answer = await ask();
    if (answer !== undefined) return answer;
    await pause(everyMs);
  }
  throw new Error("waited a minute in vain");
}
