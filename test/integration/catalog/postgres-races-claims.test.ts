import { expect, test } from "vitest";
import { exitError, type Scene } from "../../../src/catalog/contract/scene.contract.ts";
import { serviceLock } from "../../../src/catalog/kysely/locks.ts";
import type { ClaimedExecution } from "../../../src/catalog/leases.ts";
import { postgresForFile } from "../../support/postgres-catalog.ts";
import { asFarAsItComes, meet, openStoppable } from "../../support/postgres-stops.ts";

const postgres = postgresForFile();

const servicesOf = (claimed: ClaimedExecution[]) => claimed.map(({ execution }) => execution.service).sort();

/** A run that waits for a second before its next attempt. */
async function pauseRun(scene: Scene, type: string): Promise<void> {
  await scene.start({ type });
  await scene.finish(await scene.claimOne(), { kind: "failed", error: exitError, retryInMs: 1000 });
}

const closing = { before: /update turns set state/ };

test("a run whose pause is over while another claim finds its service empty is claimed then or by the next", async () => {
  const [executor, other, router] = await openStoppable(postgres);
  await executor.deploy("paused", { trigger_events: ["paused"] });
  await executor.deploy("free", { trigger_events: ["free"] });
  await pauseRun(executor, "paused");
  await executor.start({ type: "paused" });
  const stopped = await executor.stop(closing, () => executor.claim());
  // With something else to claim, a claim waits for no service that is held.
  await router.start({ type: "free" });
  executor.clock.advance(1000);
  const { end } = await asFarAsItComes(postgres, () => other.claim());
  const claims = [await stopped.goOn(), await end, await executor.claim()];
  expect(servicesOf(claims.flat())).toEqual(["free", "paused", "paused"]);
});

test("a claim that opens a throttle waits before it holds anything: a router of the service goes on beside it", async () => {
  const [executor, router] = await openStoppable(postgres);
  await executor.deploy("hello", { throttle: { limit: 1, period: 60 } });
  for (let n = 0; n < 2; n += 1) await executor.start();
  expect(await executor.claim()).toHaveLength(1);
  executor.clock.advance(60_000);
  const [, claimed] = await meet(
    postgres,
    router,
    { before: /insert into turns/ },
    () => router.route(router.event()),
    () => executor.claim(),
  );
  expect(claimed).toHaveLength(1);
  expect(executor.undone + router.undone).toBe(0);
});

test("a claim that has seen a service before its limit was lowered keeps to the lower one", async () => {
  const [executor, person] = await openStoppable(postgres);
  await executor.deploy("hello", { concurrency: 5 });
  for (let n = 0; n < 5; n += 1) await executor.start();
  const [claimed] = await meet(
    postgres,
    executor,
    { after: /from turns t/ },
    () => executor.claim(),
    () => person.deploy("hello", { concurrency: 1 }, { id: "hello-2" }),
  );
  expect(claimed).toHaveLength(1);
});

test("a claim that has seen a service before another claimed from it gives it no turn twice", async () => {
  const [executor, other] = await openStoppable(postgres);
  for (const name of ["a", "b"]) await executor.deploy(name, { trigger_events: [name] });
  for (const type of ["a", "a", "a", "a", "b", "b"]) await executor.start({ type });
  const [one, two] = await meet(
    postgres,
    executor,
    { after: /from turns t/ },
    () => executor.claim({ limit: 1 }),
    () => other.claim({ limit: 3 }),
  );
  const rest = await executor.claim({ limit: 2 });
  expect([servicesOf(two), servicesOf(one), servicesOf(rest)]).toEqual([["a", "a", "b"], ["b"], ["a", "a"]]);
});

test("a claim waits for the only service that has anything, where another holds it for a moment", async () => {
  const [executor, other] = await openStoppable(postgres);
  await executor.deploy();
  for (let n = 0; n < 3; n += 1) await executor.start();
  const [one, two] = await meet(
    postgres,
    executor,
    { before: /^commit/ },
    () => executor.claim({ limit: 1 }),
    () => other.claim({ limit: 2 }),
  );
  expect([one.length, two.length]).toEqual([1, 2]);
});

test("a limit holds, though a second claim comes before the first is committed", async () => {
  const [executor, other] = await openStoppable(postgres);
  await executor.deploy("hello", { concurrency: 1 });
  for (let n = 0; n < 3; n += 1) await executor.start();
  const [one, two] = await meet(
    postgres,
    executor,
    { before: /^commit/ },
    () => executor.claim(),
    () => other.claim(),
  );
  expect([one.length, two.length]).toEqual([1, 0]);
});

test("two claims that each hold a service and want the other's do not wait in a circle", async () => {
  const [executor, other] = await openStoppable(postgres);
  await executor.deploy("low", { trigger_events: ["low"], priority: 6 });
  await executor.deploy("high", { trigger_events: ["high"], priority: 4 });
  for (let n = 0; n < 3; n += 1) await executor.start({ type: "low" });
  const one = await executor.stop(closing, () => executor.claim());
  await executor.start({ type: "high" });
  const two = await other.stop(closing, () => other.claim());
  const claims = await Promise.all([(await asFarAsItComes(postgres, one.goOn)).end, two.goOn()]);
  expect(claims.map(servicesOf)).toEqual([["low", "low", "low"], ["high"]]);
  expect(executor.undone + other.undone).toBe(0);
});

test("a claim that holds what is due passes over a service that is held by somebody who wants the due one", async () => {
  const [executor, router] = await openStoppable(postgres);
  const lockOf = (service: string) => serviceLock({ project: "default", service }).n;
  const [before, behind] = ["one", "other"].sort((a, b) => lockOf(a) - lockOf(b)) as [string, string];
  await executor.deploy(behind, { trigger_events: ["both", "behind"], priority: 6 });
  await executor.deploy(before, { trigger_events: ["both", "before"], priority: 4 });
  await pauseRun(executor, "behind");
  await executor.start({ type: "before" });
  executor.clock.advance(1000);
  const [claimed] = await meet(
    postgres,
    executor,
    { before: /update executions\s+set gate/ },
    () => executor.claim(),
    () => router.route(router.event({ type: "both" })),
  );
  expect(servicesOf(claimed)).toEqual([behind]);
  expect(executor.undone + router.undone).toBe(0);
});
