import { setImmediate as turn } from "node:timers/promises";
import { expect, onTestFinished, test } from "vitest";
import type { LeaseStore } from "../../../src/catalog/leases.ts";
import type { StepResult } from "../../../src/executor/step-runner.ts";
import { PlatformError } from "../../../src/foundation/errors.ts";
import { manifestSchema } from "../../../src/services/manifest.ts";
import { eventually } from "../../support/eventually.ts";
import { completed, readyScene, TestScripts, testExecutor } from "../../support/executor.ts";
import { ManualClock } from "../../support/manual-clock.ts";

const slots = 2;
const executions = 60;
const quick = 40;

/** An executor whose scripts ended at once until two of them hold its slots, so that it has claimed more than it can begin. */
async function standStill(
  change: (leases: LeaseStore) => Partial<LeaseStore> = () => ({}),
  manifest: { concurrency?: number } = {},
) {
  const clock = new ManualClock();
  const scene = await readyScene(clock, executions);
  const { catalog } = scene;
  const held = Promise.withResolvers<StepResult>();
  const first = Promise.withResolvers<StepResult>();
  const scripts: TestScripts = new TestScripts(async () => {
    if (scripts.begun <= quick) return completed;
    return scripts.begun === quick + 1 ? Promise.race([first.promise, held.promise]) : held.promise;
  });
  const { executor, bus } = await testExecutor(catalog, {
    clock,
    slots,
    runner: scripts,
    leases: { ...catalog.leases, ...change(catalog.leases) },
    versions: {
      open: async () => ({ directory: "/", manifest: manifestSchema.parse(manifest), scripts: ["main.py"] }),
    },
  });
  executor.start();
  onTestFinished(async () => {
    held.resolve(completed);
    await executor.stop(0);
  });
  const count = async (status: "pending" | "in_progress" | "completed") =>
    catalog.executions.count({ status: [status] });
  await eventually(async () => {
    // By less than after which a run is given back.
    clock.advance(0.1);
    return (
      scripts.begun === quick + slots && (await count("completed")) === quick && (await count("in_progress")) > slots
    );
  });
  return { clock, catalog, scene, executor, bus, scripts, first, held, count };
}

/** Nobody has tried to run it: another attempt would be its first. */
async function requireUntried({ catalog }: Awaited<ReturnType<typeof standStill>>, pending: number) {
  const { items } = await catalog.executions.list({ status: ["pending"] }, { limit: executions });
  expect(items).toHaveLength(pending);
  for (const { attempt, losses } of items) expect({ attempt, losses }).toEqual({ attempt: 0, losses: 0 });
}

test("D7: what was claimed for slots about to come free is given back uncounted when they do not, and another executor has it", async () => {
  const still = await standStill();
  still.clock.advance(251);
  await eventually(async () => (await still.count("in_progress")) === slots);
  expect(still.scripts.begun).toBe(quick + slots);
  await requireUntried(still, executions - quick - slots);
  expect(await still.scene.claim({ limit: executions })).toHaveLength(executions - quick - slots);
});

test("D7: what was given back is claimed again by whoever has a slot, without waiting for the next look", async () => {
  const still = await standStill();
  still.clock.advance(251);
  await eventually(async () => (await still.count("in_progress")) === slots);
  still.held.resolve(completed);
  // No more time passes than ends are gathered for.
  const until = still.clock.monotonic() + 500;
  await eventually(async () => {
    if (still.clock.monotonic() < until) still.clock.advance(1);
    return (await still.count("completed")) === executions;
  });
});

test("D7: a catalog that is away when something is given back costs it no loss", async () => {
  let failures = 0;
  const still = await standStill(({ release }) => ({
    async release(leases) {
      failures += 1;
      if (failures <= 3) throw new PlatformError("unavailable", "away");
      await release(leases);
    },
  }));
  still.clock.advance(251);
  await eventually(async () => {
    still.clock.advance(10);
    return (await still.count("in_progress")) === slots;
  });
  expect(failures).toBe(4);
  await requireUntried(still, executions - quick - slots);
});

test("a slot that comes free after a claim that failed is a reason to claim", async () => {
  const clock = new ManualClock();
  const scene = await readyScene(clock, executions);
  let isAway = false;
  let isBack = false;
  let claimed = 0;
  let holding = 0;
  const held = Promise.withResolvers<StepResult>();
  const scripts: TestScripts = new TestScripts(async () => {
    if (!isAway || scripts.begun + slots <= claimed) return completed;
    // The last of those that were claimed before the catalog went away.
    holding += 1;
    return held.promise;
  });
  const leases = {
    ...scene.catalog.leases,
    claim: async (...args: Parameters<LeaseStore["claim"]>) => {
      // While enough wait to fill the slots.
      isAway ||= !isBack && scripts.begun >= quick / 4 && claimed >= scripts.begun + slots;
      if (isAway) throw new PlatformError("unavailable", "away");
      const found = await scene.catalog.leases.claim(...args);
      claimed += found.length;
      return found;
    },
  };
  const { executor } = await testExecutor(scene.catalog, { clock, slots, runner: scripts, leases, pollMs: 600_000 });
  executor.start();
  onTestFinished(async () => {
    held.resolve(completed);
    await executor.stop(0);
  });
  await eventually(() => {
    clock.advance(1);
    return holding === slots;
  });
  // It tries again, until nothing has come free of late for which it would claim.
  for (let turns = 0; turns < 100; turns += 1) {
    clock.advance(100);
    await turn();
  }
  isAway = false;
  isBack = true;
  held.resolve(completed);
  await eventually(async () => {
    clock.advance(1);
    return (await scene.catalog.executions.count({ status: ["completed"] })) === executions;
  });
});

test("D7: an executor that stops gives back uncounted what it claimed and did not begin", async () => {
  const still = await standStill();
  const stopped = still.executor.stop(60_000);
  await eventually(async () => (await still.count("in_progress")) === slots);
  await requireUntried(still, executions - quick - slots);
  still.held.resolve(completed);
  await stopped;
  expect(await still.count("completed")).toBe(quick + slots);
  await requireUntried(still, executions - quick - slots);
});

test("D4: what waits for a slot is begun once one comes free, and that is its first attempt", async () => {
  const still = await standStill();
  still.held.resolve(completed);
  await eventually(async () => {
    still.clock.advance(1);
    return (await still.count("completed")) === executions;
  });
  const { items } = await still.catalog.executions.list({}, { limit: executions });
  expect(items.map(({ attempt }) => attempt)).toEqual(items.map(() => 1));
});

/** All that can happen without time passing has happened then. */
async function turns(): Promise<void> {
  for (let n = 0; n < 20; n += 1) await turn();
}

test("an end is written with those of the next 25 ms while others wait for the slots", async () => {
  const still = await standStill();
  still.first.resolve(completed);
  await eventually(async () => still.scripts.begun === quick + slots + 1);
  await turns();
  still.clock.advance(24);
  await turns();
  expect(await still.count("completed")).toBe(quick);
  still.clock.advance(1);
  await eventually(async () => (await still.count("completed")) === quick + 1);
});

test("an end that others of its service may wait for is written at once", async () => {
  const still = await standStill(undefined, { concurrency: 1000 });
  still.first.resolve(completed);
  await eventually(async () => (await still.count("completed")) === quick + 1);
});
