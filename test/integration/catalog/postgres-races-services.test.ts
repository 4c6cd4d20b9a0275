import { expect, test } from "vitest";
import { codeOf, exitError, held, minute, paidLink, type Scene } from "../../../src/catalog/contract/scene.contract.ts";
import { onlyDue, stepTo } from "../../../src/catalog/contract/schedules.contract.ts";
import { eventKeyOf } from "../../../src/events/event-key.ts";
import type { ReplayId, VersionId } from "../../../src/foundation/ids.ts";
import type { GrantedScope } from "../../../src/services/service.ts";
import { postgresForFile } from "../../support/postgres-catalog.ts";
import { meet, openStoppable } from "../../support/postgres-stops.ts";

const postgres = postgresForFile();

const committing = { before: /^commit/ };
/** A service of which one run has failed. */
async function failedRun(scene: Scene) {
  await scene.deploy();
  const { id, event } = await scene.start();
  await scene.finish(await scene.claimOne(), { kind: "failed", error: exitError, retryInMs: undefined });
  return { id, event };
}

/** Of a service that is gone nothing is left to run, and nothing leads to it. */
async function expectNothingOf(scene: Scene, service: string): Promise<void> {
  const { services, executions, links } = scene.catalog;
  expect(await services.get("default", service)).toBeUndefined();
  expect(await executions.count({ service: `default/${service}`, status: ["pending"] })).toBe(0);
  expect((await links.list({ service }, { limit: 10 })).items).toEqual([]);
}

test("a run that is retried while its service is deleted is cancelled with it", async () => {
  const [person, other] = await openStoppable(postgres);
  const { id } = await failedRun(person);
  const retry = () => person.catalog.executions.retry(id, { newId: person.newExecutionId(), version: "same" });
  const remove = () => other.catalog.services.delete("default", "hello");
  await meet(postgres, person, { after: /from "services"/ }, retry, remove);
  await expectNothingOf(person, "hello");
});

test("a flow that is replayed while its service is deleted is cancelled with it", async () => {
  const [person, other] = await openStoppable(postgres);
  const { event } = await failedRun(person);
  const correlationId = event.correlationid as string;
  const replay = () => person.catalog.replays.create({ id: "replay-1" as ReplayId, correlationId, versions: {} });
  const remove = () => other.catalog.services.delete("default", "hello");
  await meet(postgres, person, { after: /from "versions"/ }, replay, remove);
  await expectNothingOf(person, "hello");
});

test("a run that is asked for while its service is deleted is cancelled with it", async () => {
  const [person, other] = await openStoppable(postgres);
  await person.deploy();
  const event = person.event();
  const run = { event, key: eventKeyOf(event), id: person.newExecutionId(), trigger: "manual" as const };
  const target = { project: "default", service: "hello", version: "hello-1" as VersionId, priority: 5 };
  const request = () => person.catalog.runRequests.request({ ...run, ...target, concurrencyKey: undefined });
  await meet(postgres, person, committing, request, () => other.catalog.services.delete("default", "hello"));
  expect(await person.catalog.executions.count({})).toBe(1);
  await expectNothingOf(person, "hello");
});

test("a link that is made while its service is deleted goes with it", async () => {
  const [person, other] = await openStoppable(postgres);
  await person.deploy();
  const create = () => person.catalog.links.create(paidLink);
  const remove = () => other.catalog.services.delete("default", "hello");
  await meet(postgres, person, { before: /insert into "links"/ }, create, remove);
  await expectNothingOf(person, "hello");
});

const raises: Record<string, (person: Scene) => Promise<unknown>> = {
  "a deploy": (person) => person.deploy("hello", { concurrency: 5 }, { id: "five" }),
  "going back to a version": ({ catalog }) =>
    catalog.services.update("default", "hello", { activeVersion: "five" as VersionId }),
};
for (const [how, raise] of Object.entries(raises)) {
  test(`a limit that ${how} raises while a claim finds its service full counts at once`, async () => {
    const [executor, person] = await openStoppable(postgres);
    await person.deploy("hello", { concurrency: 5 }, { id: "five" });
    await person.deploy("hello", { concurrency: 1 }, { id: "one" });
    await executor.route(executor.event(), executor.event());
    await executor.claimOne();
    const closing = { before: /update turns set state/ };
    await meet(
      postgres,
      executor,
      closing,
      () => executor.claim(),
      () => raise(person),
    );
    expect(await executor.claim()).toHaveLength(1);
  });
}

test("what two people change of one service at once is changed both", async () => {
  const [person, other] = await openStoppable(postgres);
  await person.deploy("hello", { schedule: "0 * * * *" });
  const { services, schedules } = other.catalog;
  const update = () => person.catalog.services.update("default", "hello", { priority: 3 });
  const writing = { before: /^update "services"/ };
  const grants: GrantedScope[] = ["platform"];
  await meet(postgres, person, writing, update, () => services.grant("default", "hello", grants));
  await meet(postgres, person, writing, update, () => schedules.pause("default", "hello", true));
  expect(await schedules.get("default", "hello")).toMatchObject({ paused: true, priority: 3 });
  await meet(postgres, person, writing, update, () => person.deploy("hello", {}, { id: "hello-2" }));
  expect(await services.get("default", "hello")).toMatchObject({
    priority: 3,
    grants,
    activeVersion: "hello-2",
  });
});

test("D18: a schedule that moves on while its service is deployed anew is in nobody's way", async () => {
  const [scheduler, person] = await openStoppable(postgres);
  await person.deploy("tick", { schedule: "0 * * * *", trigger_events: [] });
  scheduler.clock.advance(60 * minute);
  const due = await onlyDue(scheduler, scheduler.clock.now());
  const advance = () => scheduler.catalog.schedules.advance(due, stepTo(scheduler, due, due.since + 60 * minute));
  const deploy = () => person.deploy("tick", { schedule: "0 * * * *", trigger_events: [] }, { id: "tick-2" });
  await meet(postgres, scheduler, { after: /^update "services"/ }, advance, deploy);
  expect(scheduler.undone + person.undone).toBe(0);
});

/** A job that is due, and what starts it. */
async function dueJob(scene: Scene) {
  await scene.deploy();
  await scene.start();
  const claimed = await scene.claimOne();
  await scene.catalog.jobs.put(held(claimed), scene.clock.now() + minute);
  scene.clock.advance(minute);
  const [job] = await scene.catalog.jobs.due(scene.clock.now(), 10);
  if (job === undefined) throw new Error("no job is due");
  const event = job.event;
  const run = { id: scene.newExecutionId(), key: eventKeyOf(event), concurrencyKey: undefined };
  return { job, run };
}

for (const place of [{ after: /from "jobs"/ }, { before: /^update "jobs"/ }]) {
  const when = place.after ? "once it has read" : "before it writes";
  test(`D18: a job that is cancelled while its start stands still ${when} is started or cancelled, and not both`, async () => {
    const [scheduler, person] = await openStoppable(postgres);
    const { job, run } = await dueJob(person);
    const cancel = () => codeOf(person.catalog.jobs.cancel(job.id));
    const start = () => scheduler.catalog.jobs.start(job, run);
    const [{ created }, cancelled] = await meet(postgres, scheduler, place, start, cancel);
    expect([created, cancelled]).toEqual([true, "conflict"]);
  });

  test(`D18: a job that starts while its cancel stands still ${when} is started or cancelled, and not both`, async () => {
    const [scheduler, person] = await openStoppable(postgres);
    const { job, run } = await dueJob(person);
    const cancel = () => codeOf(person.catalog.jobs.cancel(job.id));
    const start = () => scheduler.catalog.jobs.start(job, run);
    const [cancelled, { created }] = await meet(postgres, person, place, cancel, start);
    expect([created, cancelled]).toEqual(created ? [true, "conflict"] : [false, "done"]);
  });
}
