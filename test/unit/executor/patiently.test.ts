import { expect, test } from "vitest";
import { patiently } from "../../../src/executor/patiently.ts";
import { PlatformError } from "../../../src/foundation/errors.ts";
import { ManualClock } from "../../support/manual-clock.ts";

const away = () => new PlatformError("unavailable", "away");

test("D7: what is away is asked again, more and more rarely, until it answers", async () => {
  const clock = new ManualClock();
  const askedAt: number[] = [];
  const began = clock.now();
  const work = async () => {
    askedAt.push(clock.now() - began);
    if (askedAt.length < 9) throw away();
    return "here";
  };
  const answer = patiently(work, { clock, stopping: new AbortController().signal });
  let answered = false;
  void answer.then(() => {
    answered = true;
  });
  while (!answered) {
    await new Promise(setImmediate);
    clock.advance(50);
  }
  expect(await answer).toBe("here");
  const pauses = askedAt.slice(1).map((at, index) => at - (askedAt[index] as number));
  expect(pauses).toEqual([100, 200, 400, 800, 1600, 3200, 5000, 5000]);
});

test("what refuses is not asked again", async () => {
  let asked = 0;
  const work = async () => {
    asked += 1;
    throw new PlatformError("not-found", "gone");
  };
  const clock = new ManualClock();
  await expect(patiently(work, { clock, stopping: new AbortController().signal })).rejects.toThrow("gone");
  expect(asked).toBe(1);
});

test("patience may have an end", async () => {
  const clock = new ManualClock();
  const answer = patiently(() => Promise.reject(away()), {
    clock,
    stopping: new AbortController().signal,
    withinMs: 1000,
  });
  const ended = answer.then(
    () => undefined,
    (error: unknown) => ({ error, at: clock.now() }),
  );
  const began = clock.now();
  let isOver = false;
  void ended.then(() => {
    isOver = true;
  });
  while (!isOver) {
    await new Promise(setImmediate);
    clock.advance(50);
  }
  expect(await ended).toMatchObject({ error: { code: "unavailable" } });
  expect(clock.now() - began).toBeLessThan(2000);
});

test("who is stopped waits no longer", async () => {
  const stopping = new AbortController();
  const answer = patiently(() => Promise.reject(away()), { clock: new ManualClock(), stopping: stopping.signal });
  await new Promise(setImmediate);
  stopping.abort();
  await expect(answer).rejects.toMatchObject({ code: "unavailable" });
});
