import { expect, test } from "vitest";
import { Outages } from "../../../src/executor/outages.ts";
import { Patience } from "../../../src/executor/patience.ts";
import { PlatformError } from "../../../src/foundation/errors.ts";
import type { Log } from "../../../src/foundation/log.ts";
import { ManualClock } from "../../support/manual-clock.ts";

const away = () => new PlatformError("unavailable", "away");

function newPatience() {
  const clock = new ManualClock();
  const stopping = new AbortController();
  const told: string[] = [];
  const tell = (_: object, text: string) => void told.push(text);
  const lease = { isOver: false };
  const log: Log = { debug: tell, info: tell, warn: tell, error: tell };
  const patience = new Patience({
    clock,
    stopping: stopping.signal,
    mayGoOn: () => !lease.isOver,
    outages: new Outages(log),
  });
  return { clock, stopping, lease, told, patience };
}

/** Lets time pass until the promise has settled. */
async function pass(clock: ManualClock, settling: Promise<unknown>): Promise<void> {
  let isSettled = false;
  const settle = () => {
    isSettled = true;
  };
  settling.then(settle, settle);
  while (!isSettled) {
    await new Promise(setImmediate);
    clock.advance(50);
  }
}

test("D7: what is away is asked again, more and more rarely, until it answers", async () => {
  const { clock, patience } = newPatience();
  const askedAt: number[] = [];
  const began = clock.now();
  const answer = patience.insist(async () => {
    askedAt.push(clock.now() - began);
    if (askedAt.length < 9) throw away();
    return "here";
  });
  await pass(clock, answer);
  expect(await answer).toBe("here");
  const pauses = askedAt.slice(1).map((at, index) => at - (askedAt[index] as number));
  expect(pauses).toEqual([100, 200, 400, 800, 1600, 3200, 5000, 5000]);
});

test("what refuses is not asked again", async () => {
  const { patience } = newPatience();
  let asked = 0;
  const work = async () => {
    asked += 1;
    throw new PlatformError("not-found", "gone");
  };
  await expect(patience.insist(work)).rejects.toThrow("gone");
  expect(asked).toBe(1);
});

test("who is stopped waits no longer", async () => {
  const { stopping, patience } = newPatience();
  let asked = 0;
  const answer = patience.insist(() => {
    asked += 1;
    return Promise.reject(away());
  });
  await new Promise(setImmediate);
  stopping.abort();
  await expect(answer).rejects.toMatchObject({ code: "unavailable" });
  expect(asked).toBe(1);
});

test("D8: once the lease is over nothing is tried again", async () => {
  const { clock, lease, patience } = newPatience();
  let asked = 0;
  const answer = patience.insist(async () => {
    asked += 1;
    lease.isOver = asked === 3;
    throw away();
  });
  answer.catch(() => {});
  await pass(clock, answer);
  await expect(answer).rejects.toMatchObject({ code: "unavailable" });
  expect(asked).toBe(3);
});

test("D8: a lease that ends during a pause is noticed before the next try", async () => {
  const { clock, lease, patience } = newPatience();
  let asked = 0;
  const answer = patience.insist(() => {
    asked += 1;
    return Promise.reject(away());
  });
  answer.catch(() => {});
  await new Promise(setImmediate);
  lease.isOver = true;
  await pass(clock, answer);
  await expect(answer).rejects.toMatchObject({ code: "unavailable" });
  expect(asked).toBe(1);
});

test("however many wait, the log is told once that they do, and once that none does any more", async () => {
  const { clock, patience, told } = newPatience();
  let isAway = true;
  const work = async () => {
    if (isAway) throw away();
  };
  const answers = Promise.all([patience.insist(work), patience.insist(work), patience.insist(work)]);
  await new Promise(setImmediate);
  clock.advance(1000);
  await new Promise(setImmediate);
  isAway = false;
  await pass(clock, answers);
  expect(told).toEqual(["runs wait for an engine that is away", "runs wait for no engine any more"]);
});

test("that something waited is known for the time in which it did", async () => {
  const { clock, patience } = newPatience();
  let isAway = true;
  const answer = patience.insist(async () => {
    if (isAway) throw away();
  });
  await new Promise(setImmediate);
  clock.advance(1000);
  const during = clock.monotonic();
  expect(patience.waitedSince(during)).toBe(true);
  isAway = false;
  await pass(clock, answer);
  expect(patience.waitedSince(during)).toBe(true);
  expect(patience.waitedSince(clock.monotonic() + 1)).toBe(false);
});

test("D7: what is waited for no longer than so long has failed for good when it is still away then", async () => {
  const { clock, patience } = newPatience();
  let asked = 0;
  const asking = patience.insistFor(2_000, async () => {
    asked += 1;
    throw new PlatformError("unavailable", "away", { problems: [{ path: "requirements.txt", message: "no answer" }] });
  });
  await pass(clock, asking);
  await expect(asking).rejects.toMatchObject({
    code: "unavailable",
    message: "away",
    retryable: false,
    problems: [{ path: "requirements.txt", message: "no answer" }],
  });
  expect(asked).toBeGreaterThan(3);
  expect(clock.monotonic()).toBeGreaterThanOrEqual(2_000);
  expect(clock.monotonic()).toBeLessThan(5_000);
});

test("what has failed for good is not waited for, however long it could be", async () => {
  const { patience } = newPatience();
  const wrong = new PlatformError("invalid-input", "wrong");
  await expect(patience.insistFor(2_000, () => Promise.reject(wrong))).rejects.toBe(wrong);
});
