import { messageOf } from "../../src/foundation/errors.ts";
import type { Situation } from "./history.ts";
import { checkAtRest, checkSafety, isAtRest } from "./invariants.ts";
import { drawOptions, type WorldOptions } from "./options.ts";
import { Domain } from "./scheduler.ts";
import { Workload } from "./workload.ts";
import { World } from "./world.ts";

export interface SeedReport {
  seed: number;
  options: WorldOptions;
  violations: string[];
  /** Equal for equal histories. */
  digest: string;
  reached: [Situation, number][];
  operations: number;
  succeeded: number;
  steps: number;
  virtualMs: number;
  trace: string[];
}

/** Virtual time that a healed world gets to come to rest. */
const healingMs = 3 * 60 * 60 * 1000;
const maxSteps = 150_000;

/** Makes the world of a seed, lets it live through its faults, heals it, and holds it against the rules. */
export async function runSeed(seed: number, given: Partial<WorldOptions> = {}, keepTrace = false): Promise<SeedReport> {
  const options = drawOptions(seed, given);
  const world = await World.create(options, keepTrace);
  const { history, scheduler } = world;
  const onUnhandled = (error: unknown) => history.violate("errors", `nobody handled: ${describe(error)}`);
  process.on("unhandledRejection", onUnhandled);
  try {
    await live(world);
  } catch (error) {
    history.violate("errors", describe(error));
  } finally {
    process.off("unhandledRejection", onUnhandled);
    world.close();
  }
  return {
    seed,
    options,
    violations: history.violations,
    digest: history.digest(),
    reached: [...history.reached],
    operations: history.operations,
    succeeded: history.succeeded,
    steps: scheduler.steps,
    virtualMs: scheduler.nowMs,
    trace: history.lines,
  };
}

async function live(world: World): Promise<void> {
  const { scheduler, options, history } = world;
  const workload = new Workload(world);
  await workload.begin();
  for (const name of world.processNames) world.start(name);
  if (options.processes > 1) history.reach("two processes worked on one catalog");
  void workload.play();
  for (const name of world.processNames) {
    void disasters(world, options.faults.crashes, () => crash(world, name));
    void disasters(world, options.faults.shutdowns, () => shutDown(world, name));
    void disasters(world, options.faults.pauses, () => pause(world, name));
    void disasters(world, options.faults.redeliveries, () => world.redeliver(name, 5));
    void disasters(world, options.faults.clockJumps, () => jump(world, name));
  }
  let nextCheckMs = 0;
  const endsAt = options.durationMs;
  await scheduler.run(
    async () => {
      if (history.violations.length > 0) return true;
      if (scheduler.nowMs >= nextCheckMs) {
        nextCheckMs = scheduler.nowMs + options.durationMs / 4;
        await checkSafety(world);
      }
      return scheduler.nowMs >= endsAt;
    },
    endsAt + 1,
    maxSteps,
  );
  world.heal();
  await rest(world, "after healing");
  // What only a start mends is mended by one, and nothing must come undone by it.
  await world.restartServer();
  await rest(world, "after a restart");
  if (history.violations.length === 0) await checkAtRest(world, workload.told);
}

/** Runs until there is nothing left to do. */
async function rest(world: World, when: string): Promise<void> {
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
      return isAtRest(world);
    },
    scheduler.nowMs + healingMs,
    maxSteps,
  );
  if (!came) history.violate("liveness", `not at rest ${when}: ${await unfinished(world)}`);
}

async function stopSchedules(world: World): Promise<void> {
  const { services, schedules } = world.drivers.catalog;
  for (const { project, service } of await schedules.list()) await services.update(project, service, { active: false });
}

async function unfinished(world: World): Promise<string> {
  const { catalog, bus } = world.drivers;
  const open = await catalog.executions.list({ status: ["pending", "in_progress"] }, { limit: 3 });
  const unsent = await catalog.outbox.peek(3);
  const positions = await catalog.routing.positions();
  const offsets = { events: await bus.offsets("fx.events"), platform: await bus.offsets("fx.platform") };
  return JSON.stringify({ open: open.items, unsent: unsent.map(({ event }) => event.type), positions, offsets });
}

async function disasters(world: World, perSecond: number, strike: () => void | Promise<void>): Promise<void> {
  if (perSecond === 0) return;
  const { scheduler, options } = world;
  const random = world.random.fork();
  const nature = new Domain("disasters");
  for (;;) {
    await scheduler.sleep(nature, (-Math.log(1 - random.fraction()) / perSecond) * 1000);
    if (scheduler.nowMs >= options.durationMs) return;
    await strike();
  }
}

async function crash(world: World, name: string): Promise<void> {
  const { options, scheduler, random } = world;
  if (options.topology === "embedded") await world.restartServer();
  else world.kill(name);
  await scheduler.sleep(new Domain("supervisor"), random.pick([0, 10, 1000, options.leaseMs * 1.5]));
  world.start(name);
}

async function shutDown(world: World, name: string): Promise<void> {
  await world.shutDown(name, world.random.pick([0, 1000, 30_000]));
  if (world.options.topology === "embedded" && !world.isRunning(name)) await world.restartServer();
  world.start(name);
}

function pause(world: World, name: string): void {
  const { options, random } = world;
  world.pause(name, random.pick([10, 500, options.leaseMs * 0.9, options.leaseMs * 1.2, options.leaseMs * 3]));
}

function jump(world: World, name: string): void {
  world.jumpClock(name, world.random.pick([-3_600_000, -5000, -100, 100, 5000, 3_600_000]));
}

function describe(error: unknown): string {
  return error instanceof Error ? `${messageOf(error)}\n${error.stack ?? ""}` : String(error);
}
