import { expect, test } from "vitest";
import { codeOf, exitError, held, minute, type Scene } from "../../../src/catalog/contract/scene.contract.ts";
import { postgresForFile } from "../../support/postgres-catalog.ts";
import { meet, openStoppable } from "../../support/postgres-stops.ts";

const postgres = postgresForFile();

const readingLeases = { after: /from executions\s+where status = 'in_progress' and lease_until/ };
const readingOnes = { after: /from "executions" where "id" in/ };
const readingOne = { after: /from "executions" where "id" = / };
const writing = { before: /^update "executions" set/ };

async function claimed(scene: Scene) {
  await scene.deploy();
  const { id } = await scene.start();
  return { id, claim: await scene.claimOne() };
}

for (const place of [readingLeases, writing]) {
  const when = place === writing ? "before it ends attempts" : "after it has looked for leases that ran out";
  test(`D8: a lease that is renewed while recovery stands still ${when} is held, or its executor is told that it is not`, async () => {
    const [recovery, executor] = await openStoppable(postgres);
    const { id, claim } = await claimed(executor);
    executor.clock.advance(minute);
    const renew = () => executor.catalog.leases.renew([held(claim)], minute);
    const [expired, [renewed]] = await meet(postgres, recovery, place, () => recovery.catalog.leases.expire(10), renew);
    expect(expired.map((one) => one.id)).toEqual(renewed?.held ? [] : [id]);
    expect(await executor.status(id)).toBe(renewed?.held ? "in_progress" : "pending");
    expect(await executor.finish(claim, { kind: "completed" })).toBe(renewed?.held);
  });

  test(`a run that a person cancels while recovery stands still ${when} is not run again`, async () => {
    const [recovery, person] = await openStoppable(postgres);
    const { id } = await claimed(person);
    person.clock.advance(minute);
    const cancel = () => person.catalog.executions.cancel(id);
    await meet(postgres, recovery, place, () => recovery.catalog.leases.expire(10), cancel);
    if ((await person.status(id)) === "in_progress") await recovery.catalog.leases.expire(10);
    expect(await person.status(id)).toBe("cancelled");
  });
}

for (const place of [readingOnes, writing]) {
  const when = place === writing ? "before it writes" : "once it has read";
  test(`D8: a renewal that stands still ${when} extends no lease that another executor has got meanwhile`, async () => {
    const [executor, other] = await openStoppable(postgres);
    const { id, claim } = await claimed(executor);
    const isTaken = async () => {
      other.clock.advance(minute);
      await other.catalog.leases.expire(10);
      other.clock.advance(minute);
      return (await other.claim({ leaseMs: 10 * minute })).length === 1;
    };
    const begun = executor.clock.now();
    const renew = () => executor.catalog.leases.renew([held(claim)], 5 * minute);
    const [[renewed], taken] = await meet(postgres, executor, place, renew, isTaken);
    expect([renewed?.held, taken]).toEqual(place === writing ? [true, false] : [false, true]);
    const until = begun + (taken ? 2 * minute + 10 * minute : 5 * minute);
    expect(await other.catalog.executions.get(id)).toMatchObject({ status: "in_progress", lease: { until } });
  });

  test(`a run that is cancelled while its failure stands still ${when} is not retried`, async () => {
    const [executor, person] = await openStoppable(postgres);
    const { id, claim } = await claimed(executor);
    const fail = () => executor.finish(claim, { kind: "failed", error: exitError, retryInMs: 0 });
    await meet(postgres, executor, place, fail, () => person.catalog.executions.cancel(id));
    expect(await person.status(id)).toBe("cancelled");
  });
}

for (const place of [readingOne, writing]) {
  const when = place === writing ? "before it writes" : "once it has read";
  test(`a cancel that stands still ${when} reaches the run, though an executor claims it meanwhile`, async () => {
    const [person, executor] = await openStoppable(postgres);
    await executor.deploy();
    const { id } = await executor.start();
    const cancel = () => person.catalog.executions.cancel(id);
    const [, [claim]] = await meet(postgres, person, place, cancel, () => executor.claim());
    const renewed = claim && (await executor.catalog.leases.renew([held(claim)], minute));
    expect([await executor.status(id), renewed?.[0]]).toMatchObject(
      claim ? ["in_progress", { held: true, cancelRequested: true }] : ["cancelled", undefined],
    );
  });

  test(`a skip that stands still ${when} is done or refused, as the run is not claimed or is`, async () => {
    const [person, executor] = await openStoppable(postgres);
    await executor.deploy();
    const { id } = await executor.start();
    const skip = () => codeOf(person.catalog.executions.skip(id));
    const [skipped, { length: isClaimed }] = await meet(postgres, person, place, skip, () => executor.claim());
    expect([skipped, isClaimed]).toEqual(isClaimed ? ["conflict", 1] : ["done", 0]);
  });

  test(`a move that stands still ${when} is refused where the run is claimed meanwhile`, async () => {
    const [person, executor] = await openStoppable(postgres);
    await executor.deploy();
    const { id } = await executor.start();
    const move = () => codeOf(person.catalog.executions.move(id, "high"));
    const [moved, [claim]] = await meet(postgres, person, place, move, () => executor.claim());
    expect(moved).toBe(claim?.execution.lane === "regular" ? "conflict" : "done");
    expect(await executor.catalog.executions.get(id)).toMatchObject({ lane: claim?.execution.lane ?? "high" });
  });
}
