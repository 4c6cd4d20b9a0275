import { setImmediate as turn } from "node:timers/promises";
import { expect, onTestFinished, test } from "vitest";
import { exitError } from "../../../src/catalog/contract/scene.contract.ts";
import type { LeaseStore } from "../../../src/catalog/leases.ts";
import type { Clock } from "../../../src/foundation/clock.ts";
import { readyScene, TestScripts, testExecutor } from "../../support/executor.ts";
import { ManualClock } from "../../support/manual-clock.ts";

const backoffMs = 3000;

test("an executor whose clock is ahead of the catalog's looks for what is due less and less often until it is", async () => {
  const clock = new ManualClock();
  const scene = await readyScene(clock, 1);
  await scene.finish(await scene.claimOne(), { kind: "failed", error: exitError, retryInMs: backoffMs });
  const ahead: Clock = {
    now: () => clock.now() + 60_000,
    monotonic: () => clock.monotonic(),
    setTimer: (delayMs, run) => clock.setTimer(delayMs, run),
  };
  let looks = 0;
  const leases: LeaseStore = {
    ...scene.catalog.leases,
    claim(request) {
      looks += 1;
      return scene.catalog.leases.claim(request);
    },
  };
  const scripts = new TestScripts();
  const { executor } = await testExecutor(scene.catalog, {
    clock: ahead,
    slots: 1,
    runner: scripts,
    leases,
    pollMs: 600_000,
  });
  executor.start();
  onTestFinished(() => executor.stop(0));
  for (let ms = 0; ms < 2 * backoffMs; ms += 5) {
    for (let n = 0; n < 5; n += 1) await turn();
    clock.advance(5);
    if (ms < backoffMs) expect(scripts.begun).toBe(0);
  }
  expect(scripts.begun).toBe(1);
  expect(looks).toBeLessThan(20);
});
