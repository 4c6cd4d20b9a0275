import { setImmediate as turn } from "node:timers/promises";
import { expect, onTestFinished, test } from "vitest";
import { exitError } from "../../../src/catalog/contract/scene.contract.ts";
import type { ExecutorParts } from "../../../src/executor/executor.ts";
import { reliefAfterMs } from "../../../src/executor/relief.ts";
import type { StepResult } from "../../../src/executor/step-runner.ts";
import { eventually } from "../../support/eventually.ts";
import { completed, readyScene, TestScripts, testExecutor } from "../../support/executor.ts";
import { ManualClock } from "../../support/manual-clock.ts";

const slots = 2;
/** It looks by itself so seldom that no test would live to see it: what begins was woken. */
const pollMs = 600_000;

/** Services whose scripts run until they are told, each by the name of its service, in the order in which they began. */
async function opened(given: Partial<ExecutorParts> = {}) {
  const clock = new ManualClock();
  const scene = await readyScene(clock, 0);
  for (const name of ["flood", "b", "c"]) await scene.deploy(name, { trigger_events: [name] });
  const running: { service: string; slot: number; end(result?: StepResult): void }[] = [];
  const scripts = new TestScripts(({ context, slot }) => {
    const { promise, resolve } = Promise.withResolvers<StepResult>();
    const script = {
      service: context.service.name,
      slot,
      end(result = completed) {
        running.splice(running.indexOf(script), 1);
        resolve(result);
      },
    };
    running.push(script);
    return promise;
  });
  const options = { clock, slots, reliefSlots: 1, runner: scripts, pollMs, ...given };
  const { executor, bus } = await testExecutor(scene.catalog, options);
  executor.start();
  const names = () => running.map(({ service }) => service);
  onTestFinished(async () => {
    const stopped = executor.stop(0);
    while (executor.busy > 0) {
      for (const script of [...running]) script.end();
      clock.advance(1);
      await turn();
    }
    await stopped;
  });
  return {
    clock,
    scene,
    executor,
    running,
    names,
    /** As many runs of it as come, told as a router tells. */
    send: async (type: string, count: number) => {
      await scene.route(...Array.from({ length: count }, () => scene.event({ type })));
      bus.signal("dispatch");
    },
    signal: () => bus.signal("dispatch"),
    end: (service: string) => running.find((script) => script.service === service)?.end(),
    /** The scripts that run are soon these, whatever time passes until then. */
    comesTo: (...wanted: string[]) =>
      eventually(async () => {
        await turns();
        if (names().join() !== wanted.join()) clock.advance(20);
        expect(names()).toEqual(wanted);
        return true;
      }),
    pass: async (ms: number) => {
      await turns();
      clock.advance(ms);
      await turns();
    },
    pending: (service: string) => scene.catalog.executions.count({ service, status: ["pending"] }),
    leased: () => scene.catalog.executions.count({ status: ["in_progress"] }),
  };
}

/** All that can happen without time passing has happened then. */
async function turns(): Promise<void> {
  for (let n = 0; n < 50; n += 1) await turn();
}

test("D4: a service with long runs in all slots lets another's run begin beside them, half a second after it took the last", async () => {
  const { comesTo, send, pass, names, pending, clock, executor } = await opened();
  await send("flood", 10);
  await comesTo("flood", "flood");
  const full = clock.monotonic();
  await send("b", 1);
  await pass(full + reliefAfterMs - 2 - clock.monotonic());
  expect(names()).toEqual(["flood", "flood"]);
  await pass(3);
  expect(names()).toEqual(["flood", "flood", "b"]);
  expect(await pending("flood")).toBe(8);
  expect(executor.relieved).toBe(1);
});

test("D4: without relief slots it waits for one of them to end", async () => {
  const { comesTo, send, pass, names, pending, end } = await opened({ reliefSlots: 0 });
  await send("flood", 2);
  await comesTo("flood", "flood");
  await send("b", 1);
  for (let n = 0; n < 20; n += 1) await pass(reliefAfterMs);
  expect([names(), await pending("b")]).toEqual([["flood", "flood"], 1]);
  end("flood");
  await comesTo("flood", "b");
});

test("D4: who has all slots has no more than these, however long it waits", async () => {
  const { comesTo, send, pass, names, pending } = await opened();
  await send("flood", 10);
  await comesTo("flood", "flood");
  for (let n = 0; n < 20; n += 1) await pass(reliefAfterMs);
  expect([names(), await pending("flood")]).toEqual([["flood", "flood"], 8]);
});

test("D4: a service that comes with one run after another has them one at a time beside the slots, each at once after the other", async () => {
  const { comesTo, send, pass, names, end, leased } = await opened({ aheadMs: 400 });
  await send("flood", 10);
  await comesTo("flood", "flood");
  await send("b", 12);
  await comesTo("flood", "flood", "b");
  for (let n = 0; n < 10; n += 1) {
    end("b");
    // No slot has come free by it for which the executor would claim, be it ahead.
    await pass(30);
    expect(names()).toEqual(["flood", "flood", "b"]);
    expect(await leased()).toBe(3);
  }
});

test("D4: a service that floods the place beside the slots delays a third by the run that has it alone", async () => {
  const { comesTo, send, end, pending } = await opened();
  await send("flood", 10);
  await comesTo("flood", "flood");
  await send("b", 10);
  await comesTo("flood", "flood", "b");
  await send("c", 1);
  end("b");
  await comesTo("flood", "flood", "c");
  expect(await pending("b")).toBe(9);
  end("c");
  await comesTo("flood", "flood", "b");
});

test("D4: a long run beside the slots has the first slot that comes free, so that a third service finds the place beside them", async () => {
  const { comesTo, send, end, names, pass } = await opened();
  await send("flood", 10);
  await comesTo("flood", "flood");
  await send("b", 1);
  await comesTo("flood", "flood", "b");
  end("flood");
  await pass(reliefAfterMs);
  expect(names()).toEqual(["flood", "b"]);
  await send("c", 1);
  await pass(reliefAfterMs);
  expect(names()).toEqual(["flood", "b", "c"]);
});

test("D4: several relief slots are of several services, and no place is given twice", async () => {
  const { comesTo, send, end, running } = await opened({ reliefSlots: 2 });
  await send("flood", 10);
  await comesTo("flood", "flood");
  await send("b", 3);
  await send("c", 3);
  await comesTo("flood", "flood", "b", "c");
  expect(running.map(({ slot }) => slot).sort()).toEqual([0, 1, 2, 3]);
  end("b");
  await comesTo("flood", "flood", "c", "b");
  expect(running.map(({ slot }) => slot).sort()).toEqual([0, 1, 2, 3]);
});

test("D4: whose time comes while others hold all slots begins beside them then, not at the next look", async () => {
  const { scene, comesTo, send, signal, names, pass } = await opened();
  await send("flood", 10);
  await comesTo("flood", "flood");
  // Another executor ran it, and it is to run again.
  await scene.start({ type: "b" });
  const elsewhere = await scene.claimOne({ except: [{ project: "default", service: "flood" }] });
  await scene.finish(elsewhere, { kind: "failed", error: exitError, retryInMs: 5000 });
  signal();
  await pass(reliefAfterMs);
  await pass(4900 - reliefAfterMs);
  expect(names()).toEqual(["flood", "flood"]);
  await pass(101);
  expect(names()).toEqual(["flood", "flood", "b"]);
});

test("D4: where one was found beside the slots the next is looked for when it has ended, though nobody told of either", async () => {
  const { scene, comesTo, send, end, names, pass } = await opened({ aheadMs: 10_000, pollMs: 5000 });
  await send("flood", 12);
  await comesTo("flood", "flood");
  for (let n = 0; n < 10; n += 1) {
    end("flood");
    await comesTo("flood", "flood");
  }
  // It has looked for more to claim ahead, found none, and has no reason any more to claim ahead.
  for (let ms = 0; ms < 2000; ms += 20) await pass(20);
  for (let n = 0; n < 3; n += 1) await scene.start({ type: "b" });
  await comesTo("flood", "flood", "b");
  for (let n = 0; n < 2; n += 1) {
    end("b");
    await pass(30);
    expect(names()).toEqual(["flood", "flood", "b"]);
  }
});

test("D7: what was claimed for a slot about to come free has the place beside the slots when its service has no run", async () => {
  // So far ahead that runs of everybody are claimed as soon as a few have ended.
  const { comesTo, send, end, names, pass, pending, clock } = await opened({ aheadMs: 10_000 });
  await send("flood", 40);
  await comesTo("flood", "flood");
  for (let n = 0; n < 10; n += 1) {
    end("flood");
    await comesTo("flood", "flood");
  }
  const full = clock.monotonic();
  await send("b", 1);
  for (let ms = 0; ms < reliefAfterMs - 50; ms += 10) await pass(10);
  expect([names(), await pending("b")]).toEqual([["flood", "flood"], 0]);
  await pass(full + reliefAfterMs - clock.monotonic());
  expect(names()).toEqual(["flood", "flood", "b"]);
});
