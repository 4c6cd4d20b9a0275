import { expect, test } from "vitest";
import { Slots } from "../../../src/executor/slots.ts";
import { ManualClock } from "../../support/manual-clock.ts";

const of = (service: string, project = "default") => ({ project, service });

function opened(slots: number, reliefSlots: number) {
  const clock = new ManualClock();
  return { clock, slots: new Slots({ clock, slots, reliefSlots }) };
}

test("places are numbered from 0 on, and nobody has one that another has", () => {
  const { slots } = opened(2, 2);
  const taken = ["a", "a", "b", "c"].map((name) => slots.take(of(name)));
  expect([...taken].sort()).toEqual([0, 1, 2, 3]);
  expect(() => slots.take(of("d"))).toThrow(/without a place/);
  slots.leave(taken[1] as number);
  expect(slots.take(of("d"))).toBe(taken[1]);
});

test("a place that is left twice is given once", () => {
  const { slots } = opened(2, 0);
  const [first] = [slots.take(of("a")), slots.take(of("a"))];
  slots.leave(first);
  slots.leave(first);
  expect(slots.free).toBe(1);
  slots.take(of("b"));
  expect(() => slots.take(of("c"))).toThrow(/without a place/);
});

test("D4: there is relief once all slots are taken, and none where none is set", () => {
  const { slots } = opened(2, 1);
  expect([slots.free, slots.hasRelief]).toEqual([2, false]);
  slots.take(of("a"));
  expect([slots.free, slots.hasRelief]).toEqual([1, false]);
  slots.take(of("a"));
  expect([slots.free, slots.hasRelief]).toEqual([0, true]);
  slots.take(of("b"));
  expect([slots.free, slots.hasRelief]).toEqual([0, false]);
  const { slots: without } = opened(1, 0);
  without.take(of("a"));
  expect([without.free, without.hasRelief]).toEqual([0, false]);
});

test("D4: whichever run ends while there is relief, no slot is free for it, and there is relief again", () => {
  const { slots } = opened(2, 1);
  const first = slots.take(of("a"));
  slots.take(of("a"));
  slots.take(of("b"));
  slots.leave(first);
  expect([slots.free, slots.hasRelief]).toEqual([0, true]);
});

test("it is known who has runs, each once, whatever their project", () => {
  const { slots } = opened(4, 0);
  const first = slots.take(of("a"));
  slots.take(of("a"));
  const other = slots.take(of("a", "other"));
  expect(slots.users).toEqual([of("a"), of("a", "other")]);
  slots.leave(first);
  slots.leave(other);
  expect(slots.users).toEqual([of("a")]);
  expect([slots.isUsedBy(of("a")), slots.isUsedBy(of("a", "other"))]).toEqual([true, false]);
});

test("since when no slot has been free is counted anew whenever one was, and not for relief", () => {
  const { clock, slots } = opened(2, 1);
  const first = slots.take(of("a"));
  clock.advance(100);
  slots.take(of("a"));
  expect(slots.fullSince).toBe(100);
  clock.advance(100);
  const beside = slots.take(of("b"));
  slots.leave(beside);
  slots.take(of("c"));
  slots.leave(beside);
  expect(slots.fullSince).toBe(100);
  slots.leave(first);
  slots.take(of("a"));
  expect(slots.fullSince).toBe(200);
});
