import { setTimeout as pause } from "node:timers/promises";

/** Asks again until there is an answer; throws where none comes in time. */
export async function until<Result>(
  ask: () => Promise<Result | undefined>,
  everyMs = 20,
  withinMs = 60_000,
): Promise<Result> {
  const began = performance.now();
  while (performance.now() - began < withinMs) {
    const answer = await ask();
    if (answer !== undefined) return answer;
    await pause(everyMs);
  }
  throw new Error(`waited ${withinMs / 1000} s in vain`);
}
