import { expect, test } from "vitest";
import { eventLoopDelay } from "../../../src/foundation/event-loop-delay.ts";
import { eventually } from "../../support/eventually.ts";

const heldMs = 60;

test("a thread that is held up is late by as much, until what measures it is closed", async () => {
  const [delay, witness] = [eventLoopDelay(), eventLoopDelay()];
  let turns = 0;
  const isLate = () => {
    turns += 1;
    // What is read is of the turns between: it is held up in every other one.
    if (turns % 2 === 0) return witness.seconds() > 0.04;
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, heldMs);
    return false;
  };
  await eventually(isLate, { everyMs: 30 });
  expect(delay.seconds()).toBeGreaterThan(0.04);
  delay.close();
  await eventually(isLate, { everyMs: 30 });
  expect(delay.seconds()).toBeLessThan(0.001);
  witness.close();
});
