import { expect, test } from "vitest";
import { SlotPace } from "../../../src/executor/slot-pace.ts";
import { ManualClock } from "../../support/manual-clock.ts";

test("what comes free soon is told by what came free of late", () => {
  const clock = new ManualClock();
  const pace = new SlotPace(clock);
  expect(pace.within(1000)).toBe(0);
  for (let n = 0; n < 1000; n += 1) {
    clock.advance(1);
    pace.freed();
  }
  // One a millisecond.
  expect([pace.within(20), pace.within(100)]).toEqual([20, 100]);
});

test("a pace of before is soon forgotten", () => {
  const clock = new ManualClock();
  const pace = new SlotPace(clock);
  for (let n = 0; n < 100; n += 1) pace.freed();
  expect(pace.within(20)).toBe(20);
  clock.advance(100);
  expect(pace.within(20)).toBe(7);
  clock.advance(400);
  expect(pace.within(20)).toBe(0);
});
