import { isAtRest } from "./invariants.ts";
import type { World } from "./world.ts";

/** Virtual time that a healed world gets to come to rest. */
const healingMs = 3 * 60 * 60 * 1000;
/** What healed processes can wait for within their steps. */
const distantMs = 5 * 60 * 1000;
/** Scheduling decisions that one phase of a world may take. */
export const maxSteps = 80_000;

/** Starts what does not run, and lets the world run until there is nothing left to do. */
export async function rest(world: World, when: string): Promise<void> {
  const { scheduler, history } = world;
  if (history.violations.length > 0) return;
  for (const name of world.processNames) world.start(name);
  await stopSchedules(world);
  let nextCheckMs = 0;
  const came = await scheduler.run(
    async () => {
      if (history.violations.length > 0) return true;
      if (scheduler.nowMs < nextCheckMs) return false;
      nextCheckMs = scheduler.nowMs + 1000;
      await cancelDistantJobs(world);
      return isAtRest(world);
    },
    scheduler.nowMs + healingMs,
    maxSteps,
  );
  if (!came) history.violate("liveness", `not at rest ${when}: ${await unfinished(world)}`);
}

async function stopSchedules(world: World): Promise<void> {
  const { services, schedules } = world.drivers.catalog;
  const { items } = await schedules.list({}, { limit: 1000 });
  for (const { project, service } of items) await services.update(project, service, { active: false });
}

/** A clock that was ahead for a moment asked for a run in what is the far future for the others. */
async function cancelDistantJobs(world: World): Promise<void> {
  const { jobs } = world.drivers.catalog;
  const { items } = await jobs.list({}, { limit: 1000 });
  for (const { id, at } of items) if (at > world.databaseNow() + distantMs) await jobs.cancel(id);
}

async function unfinished(world: World): Promise<string> {
  const { catalog, bus } = world.drivers;
  const open = await catalog.executions.list({ status: ["pending", "in_progress"] }, { limit: 3 });
  const unsent = await catalog.outbox.peek(3);
  const positions = await catalog.routing.positions();
  const offsets = { events: await bus.offsets("fx.events"), platform: await bus.offsets("fx.platform") };
  const { items: jobs } = await catalog.jobs.list({}, { limit: 3 });
  return JSON.stringify({
    jobs,
    now: world.databaseNow(),
    open: open.items,
    unsent: unsent.map(({ event }) => event.type),
    positions,
    offsets,
  });
}
