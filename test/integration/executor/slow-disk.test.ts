import { setImmediate as turn } from "node:timers/promises";
import { expect, onTestFinished, test } from "vitest";
import { eventually } from "../../support/eventually.ts";
import { readyScene, TestScripts, testExecutor } from "../../support/executor.ts";
import { ManualClock } from "../../support/manual-clock.ts";

const executions = 150;

test.each([
  { slots: 2, held: 96 },
  { slots: 30, held: 120 },
])(
  "D9: $slots slots go on while ends wait for the disk, for $held attempts; what is claimed past them would only hold leases",
  async ({ slots, held }) => {
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

    await eventually(() => scripts.begun === held);
    // However often it is woken.
    for (let turns = 0; turns < 500; turns += 1) {
      bus.signal("dispatch");
      await turn();
    }
    expect([scripts.begun, executor.busy]).toEqual([held, held]);
    expect(await catalog.executions.count({ status: ["pending"] })).toBe(executions - held);
    disk.resolve();
    await eventually(() => {
      clock.advance(1);
      return scripts.begun === executions && executor.busy === 0;
    });
  },
);
