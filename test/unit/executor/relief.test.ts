import { expect, test } from "vitest";
import { Relief, reliefAfterMs } from "../../../src/executor/relief.ts";
import { Slots } from "../../../src/executor/slots.ts";
import { ManualClock } from "../../support/manual-clock.ts";

const user = { project: "default", service: "flood" };

/** One slot, and one beside it. */
function opened() {
  const clock = new ManualClock();
  const slots = new Slots({ clock, slots: 1, reliefSlots: 1 });
  const told: number[] = [];
  const relief = new Relief({ clock, slots, onDue: () => told.push(clock.monotonic()) });
  return { clock, slots, relief, told };
}

test("D4: relief is due once no slot has come free for half a second, and that is told when it was asked for too soon", () => {
  const { clock, slots, relief, told } = opened();
  slots.take(user);
  clock.advance(reliefAfterMs - 1);
  expect(relief.isDue()).toBe(false);
  expect(told).toEqual([]);
  clock.advance(1);
  expect(told).toEqual([reliefAfterMs]);
  expect(relief.isDue()).toBe(true);
});

test("nobody is told who did not ask", () => {
  const { clock, slots, relief, told } = opened();
  expect(relief.isDue()).toBe(false);
  slots.take(user);
  clock.advance(10 * reliefAfterMs);
  expect([told, clock.pendingTimers]).toEqual([[], 0]);
});

test("a slot that comes free meanwhile puts it off", () => {
  const { clock, slots, relief, told } = opened();
  const place = slots.take(user);
  expect(relief.isDue()).toBe(false);
  clock.advance(reliefAfterMs - 1);
  slots.leave(place);
  slots.take(user);
  clock.advance(1);
  expect(told).toEqual([reliefAfterMs]);
  expect(relief.isDue()).toBe(false);
  clock.advance(reliefAfterMs - 1);
  expect(told).toEqual([reliefAfterMs, 2 * reliefAfterMs - 1]);
  expect(relief.isDue()).toBe(true);
});

test("while the place beside the slots is taken nothing is due, and at once when it is free again", () => {
  const { clock, slots, relief, told } = opened();
  slots.take(user);
  clock.advance(reliefAfterMs);
  const beside = slots.take({ ...user, service: "other" });
  expect(relief.isDue()).toBe(false);
  expect([told, clock.pendingTimers]).toEqual([[], 0]);
  slots.leave(beside);
  expect(relief.isDue()).toBe(true);
});

test("D4: where nobody was found it is not due for as long again, however often it is asked for", () => {
  const { clock, slots, relief, told } = opened();
  slots.take(user);
  clock.advance(10_000);
  relief.inVain();
  for (let n = 0; n < 5; n += 1) {
    clock.advance(reliefAfterMs / 5 - 1);
    expect(relief.isDue()).toBe(false);
  }
  clock.advance(5);
  expect(told).toEqual([10_000 + reliefAfterMs]);
  expect(relief.isDue()).toBe(true);
});

test("once stopped it tells nothing more", () => {
  const { clock, slots, relief, told } = opened();
  slots.take(user);
  expect(relief.isDue()).toBe(false);
  relief.stop();
  clock.advance(reliefAfterMs);
  expect([told, clock.pendingTimers]).toEqual([[], 0]);
});
