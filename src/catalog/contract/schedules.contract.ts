import { expect, test } from "vitest";
import { eventKeyOf } from "../../events/event-key.ts";
import { scheduleFiredEvent } from "../../events/platform-events.ts";
import type { VersionId } from "../../foundation/ids.ts";
import { nextTime } from "../../services/cron/schedule-times.ts";
import type { ScheduledService } from "../schedules.ts";
import { day, held, minute, type Scene } from "./scene.contract.ts";

const hourly = { schedule: "0 * * * *", timezone: "Europe/Zurich", trigger_events: [] };

export async function onlyDue(scene: Scene, at: number): Promise<ScheduledService> {
  const [schedule, ...others] = await scene.catalog.schedules.due(at, 10);
  if (schedule === undefined || others.length > 0) throw new Error("not one schedule is due");
  return schedule;
}

/** A step that runs the nominal time `to`, as a scheduler makes it. */
export function stepTo(scene: Scene, schedule: ScheduledService, to: number) {
  const event = scheduleFiredEvent({ ...schedule, nominal: to });
  const run = {
    ...schedule,
    id: scene.newExecutionId(),
    key: eventKeyOf(event),
    event,
    trigger: "schedule" as const,
    version: schedule.version as VersionId,
  };
  return { to, next: nextTime(schedule, to), run };
}

export function scheduleContract(start: () => Promise<Scene>): void {
  const since = async (scene: Scene) => (await scene.catalog.schedules.get("default", "tick"))?.since;

  test("D18: a schedule begins with its deploy, is due at its next time, and moves on with the run that it starts", async () => {
    const scene = await start();
    await scene.deploy("tick", hourly, { id: "v1" });
    await scene.deploy("plain");
    const { schedules, executions } = scene.catalog;
    const begun = scene.clock.now();
    const first = nextTime({ cron: hourly.schedule, timezone: hourly.timezone }, begun) as number;
    expect(await schedules.nextDue()).toBe(first);
    expect(await schedules.due(first - 1, 10)).toEqual([]);
    const due = await onlyDue(scene, first);
    expect(due).toEqual({
      project: "default",
      service: "tick",
      version: "v1",
      cron: "0 * * * *",
      timezone: "Europe/Zurich",
      catchUp: "one",
      priority: 5,
      concurrencyKey: undefined,
      since: begun,
    });
    expect(await schedules.advance(due, stepTo(scene, due, first))).toMatchObject({ created: true });
    expect(await schedules.due(first, 10)).toEqual([]);
    expect(await schedules.nextDue()).toBe(first + 60 * minute);
    expect(await schedules.get("default", "tick")).toMatchObject({ since: first, lastFired: first, missed: undefined });
    expect(await executions.count({ trigger: "schedule" })).toBe(1);
  });

  test("D18: of several schedulers that take one step, one takes it; the others start and record nothing", async () => {
    const scene = await start();
    await scene.deploy("tick", hourly);
    const { schedules, executions } = scene.catalog;
    const at = (await schedules.nextDue()) as number;
    const due = await onlyDue(scene, at);
    const missed = { first: at, last: at, count: 1 };
    const steps = [1, 2, 3].map(() => schedules.advance(due, stepTo(scene, due, at)));
    steps.push(schedules.advance(due, { to: at, next: undefined, missed }));
    const answers = await Promise.all(steps);
    expect(answers.filter((answer) => answer !== undefined)).toHaveLength(1);
    const misses = await schedules.misses("default", "tick", 10);
    expect((await executions.count({ trigger: "schedule" })) + misses.length).toBe(1);
  });

  test("times that were passed over are kept, and told together", async () => {
    const scene = await start();
    await scene.deploy("tick", hourly);
    const { schedules } = scene.catalog;
    const at = (await schedules.nextDue()) as number;
    const gap = (first: number, count: number) => ({ first, last: first + (count - 1) * 60 * minute, count });
    const [one, other] = [gap(at, 3), gap(at + day, 2)];
    const due = await onlyDue(scene, at);
    expect(await schedules.advance(due, { to: one.last, next: other.first, missed: one })).toEqual({ created: false });
    const later = await onlyDue(scene, other.first);
    await schedules.advance(later, { to: other.last, next: undefined, missed: other });
    expect(await schedules.misses("default", "tick", 10)).toMatchObject([other, one]);
    const { items } = await schedules.list({ project: "default" }, { limit: 10 });
    expect(items).toMatchObject([{ service: "tick", missed: { first: one.first, last: other.last, count: 5 } }]);
    expect(await schedules.list({ project: "nobody" }, { limit: 10 })).toMatchObject({ items: [] });
    expect(await schedules.nextDue()).toBeUndefined();
  });

  test("a redeploy leaves an unchanged schedule where it is, and begins a changed one anew", async () => {
    const scene = await start();
    await scene.deploy("tick", hourly, { id: "v1" });
    const begun = scene.clock.now();
    scene.clock.advance(10 * minute);
    await scene.deploy("tick", { ...hourly, description: "the same schedule" }, { id: "v2" });
    expect(await since(scene)).toBe(begun);
    await scene.deploy("tick", { ...hourly, schedule: "*/5 * * * *" }, { id: "v3" });
    expect(await since(scene)).toBe(begun + 10 * minute);
    expect(await scene.catalog.schedules.nextDue()).toBeLessThanOrEqual(begun + 15 * minute);
    await scene.deploy("tick", { trigger_events: [] }, { id: "v4" });
    expect(await scene.catalog.schedules.get("default", "tick")).toBeUndefined();
    expect(await scene.catalog.schedules.nextDue()).toBeUndefined();
  });

  test("a pause outlives redeploys, and what comes during it, or while the service is off, is not made up", async () => {
    const scene = await start();
    await scene.deploy("tick", hourly, { id: "v1" });
    const { schedules, services } = scene.catalog;
    const at = (await schedules.nextDue()) as number;
    const due = await onlyDue(scene, at);
    expect(await schedules.pause("default", "tick", true)).toMatchObject({ paused: true });
    expect(await schedules.advance(due, stepTo(scene, due, at))).toBeUndefined();
    await scene.deploy("tick", { ...hourly, schedule: "*/5 * * * *" }, { id: "v2" });
    expect(await schedules.nextDue()).toBeUndefined();
    scene.clock.advance(day);
    expect(await schedules.pause("default", "tick", false)).toMatchObject({ paused: false, since: scene.clock.now() });
    await services.update("default", "tick", { active: false });
    expect(await schedules.due(scene.clock.now() + day, 10)).toEqual([]);
    scene.clock.advance(day);
    await services.update("default", "tick", { active: true });
    expect(await since(scene)).toBe(scene.clock.now());
    await scene.deploy("plain");
    await expect(schedules.pause("default", "plain", true)).rejects.toMatchObject({ code: "not-found" });
  });
}

export function jobContract(start: () => Promise<Scene>): void {
  test("D18: an execution has one job, whose time a second call moves; its run is started once, with the trigger's data", async () => {
    const scene = await start();
    await scene.deploy();
    const { jobs, executions } = scene.catalog;
    const { event } = await scene.start({ data: { n: 7 }, sequence: "4", fxproject: "default" });
    const claimed = await scene.claimOne();
    const now = scene.clock.now();
    const first = await jobs.put(held(claimed), now + minute);
    const moved = await jobs.put(held(claimed), now + 2 * minute);
    expect(moved).toEqual({ ...first, at: now + 2 * minute });
    await scene.finish(claimed, { kind: "completed" });
    expect(await jobs.due(now + minute, 10)).toEqual([]);
    expect(await jobs.nextDue()).toBe(now + 2 * minute);
    const [due] = await jobs.due(now + 2 * minute, 10);
    if (due === undefined) throw new Error("no job is due");
    expect(due.event).toMatchObject({
      type: "fx.retry.due",
      data: { n: 7 },
      correlationid: event.correlationid,
      causationid: event.id,
      sequence: "4",
    });
    const run = () => ({ id: scene.newExecutionId(), key: eventKeyOf(due.event), concurrencyKey: undefined });
    const started = await Promise.all([jobs.start(due, run()), jobs.start(due, run())]);
    expect(started.map(({ created }) => created).sort()).toEqual([false, true]);
    const { items } = await executions.list({ trigger: "schedule" }, { limit: 10 });
    expect(items).toMatchObject([{ service: "hello", sequence: 4, correlationId: event.correlationid }]);
    expect(await jobs.nextDue()).toBeUndefined();
  });

  test("a job's parameters go over the trigger's data; another call takes the place of the first, parameters too", async () => {
    const scene = await start();
    await scene.deploy();
    const { jobs } = scene.catalog;
    await scene.start({ data: { n: 7, page: 1 }, datacontenttype: "application/json" });
    const claimed = await scene.claimOne();
    const at = scene.clock.now() + minute;
    const dataOf = async () => (await jobs.due(at, 10)).map(({ event }) => event.data);
    await jobs.put(held(claimed), at, { page: 2, of: null });
    expect(await dataOf()).toEqual([{ n: 7, page: 2, of: null }]);
    await jobs.put(held(claimed), at, { n: 8 });
    expect(await dataOf()).toEqual([{ n: 8, page: 1 }]);
    await jobs.put(held(claimed), at);
    expect(await dataOf()).toEqual([{ n: 7, page: 1 }]);
    await scene.start({ data: "text", datacontenttype: "text/plain" });
    await jobs.put(held(await scene.claimOne()), at, { page: 1 });
    expect((await jobs.due(at, 10)).map(({ event }) => [event.datacontenttype, event.data])).toContainEqual([
      "application/json",
      { data: "text", page: 1 },
    ]);
  });

  test("a job that is done, or cancelled by a person, is not made again by a repeated attempt", async () => {
    const scene = await start();
    await scene.deploy();
    const { jobs } = scene.catalog;
    await scene.start();
    const claimed = await scene.claimOne();
    const job = await jobs.put(held(claimed), scene.clock.now() + minute);
    expect(await jobs.list({ project: "default", service: "hello" }, { limit: 10 })).toMatchObject({ items: [job] });
    await jobs.cancel(job.id);
    await jobs.cancel(job.id);
    expect(await jobs.put(held(claimed), scene.clock.now() + day)).toEqual({ ...job, status: "cancelled" });
    expect(await jobs.list({}, { limit: 10 })).toMatchObject({ items: [] });
    await expect(jobs.cancel("none")).rejects.toMatchObject({ code: "not-found" });
  });

  test("D8: an attempt whose token is old makes no job", async () => {
    const scene = await start();
    await scene.deploy();
    await scene.start();
    const claimed = await scene.claimOne();
    const stale = { ...held(claimed), token: claimed.execution.lease.token - 1 };
    await expect(scene.catalog.jobs.put(stale, scene.clock.now())).rejects.toMatchObject({ code: "lease-lost" });
    expect(await scene.catalog.jobs.list({}, { limit: 10 })).toMatchObject({ items: [] });
  });

  test("jobs of a service that is switched off wait for it, and go with one that is deleted", async () => {
    const scene = await start();
    await scene.deploy();
    const { jobs, services } = scene.catalog;
    await scene.start();
    const at = scene.clock.now() + minute;
    await jobs.put(held(await scene.claimOne()), at);
    await services.update("default", "hello", { active: false });
    expect([await jobs.nextDue(), await jobs.due(at, 10)]).toEqual([undefined, []]);
    await services.update("default", "hello", { active: true });
    expect(await jobs.due(at, 10)).toHaveLength(1);
    await services.delete("default", "hello");
    expect(await jobs.list({}, { limit: 10 })).toMatchObject({ items: [] });
  });

  test("D13, D18: done jobs go with their age; pending ones stay, and those that a later attempt may ask for again", async () => {
    const scene = await start();
    await scene.deploy();
    const { jobs, retention } = scene.catalog;
    for (let n = 0; n < 3; n += 1) await scene.start();
    const [one, other, open] = await scene.claim();
    if (!one || !other || !open) throw new Error("three were to be claimed");
    const { id } = await jobs.put(held(one), scene.clock.now() + 300 * day);
    const kept = await jobs.put(held(other), scene.clock.now() + 300 * day);
    await jobs.cancel(id);
    await scene.finish(one, { kind: "completed" });
    const { id: asked } = await jobs.put(held(open), scene.clock.now() + 300 * day);
    await jobs.cancel(asked);
    scene.clock.advance(100 * day);
    await retention.prune({ ledgerMs: day, bodiesMs: day, executionsMs: day }, 100);
    expect(await jobs.list({}, { limit: 10 })).toMatchObject({ items: [{ id: kept.id }] });
    await expect(jobs.cancel(id)).rejects.toMatchObject({ code: "not-found" });
    expect(await jobs.put(held(open), scene.clock.now())).toMatchObject({ id: asked, status: "cancelled" });
  });
}
