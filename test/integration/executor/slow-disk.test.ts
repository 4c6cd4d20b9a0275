import { setImmediate as turn } from "node:timers/promises";
import { expect, onTestFinished, test } from "vitest";
import { eventually } from "../../support/eventually.ts";
import { readyScene, TestScripts, testExecutor } from "../../support/executor.ts";
import { ManualClock } from "../../support/manual-clock.ts";

const slots = 2;
const executions = 30;

test("D9: slots go on while ends wait for the disk, for four attempts a slot; what is claimed past them would only hold leases", async () => {
  const clock = new ManualClock();
  const { catalog } = await readyScene(clock, executions);
  const disk = Promise.withResolvers<void>();
  const leases = {
    ...catalog.leases,
    finish: async (...args: Parameters<typeof catalog.leases.finish>) => {
      await disk.promise;
      return catalog.leases.finish(...args);
    },
  };
  const scripts = new TestScripts();
  const { executor, bus } = await testExecutor(catalog, { clock, slots, runner: scripts, leases });
  executor.start();
  onTestFinished(async () => {
    disk.resolve();
    await executor.stop(0);
  });

  await eventually(() => scripts.begun === 4 * slots);
  // However often it is woken.
  for (let turns = 0; turns < 500; turns += 1) {
    bus.signal("dispatch");
    await turn();
  }
  expect([scripts.begun, executor.busy]).toEqual([4 * slots, 4 * slots]);
  expect(await catalog.executions.count({ status: ["pending"] })).toBe(executions - 4 * slots);
  disk.resolve();
  await eventually(() => {
    clock.advance(1);
    return scripts.begun === executions && executor.busy === 0;
  });
});
