import { messageOf } from "../../src/foundation/errors.ts";
import type { Situation } from "./history.ts";
import { checkAtRest, checkSafety } from "./invariants.ts";
import { drawOptions, type WorldOptions } from "./options.ts";
import { maxSteps, rest } from "./rest.ts";
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
  void disasters(world, options.busOutages, () => world.cutBus(world.random.pick([500, 8000, 40_000])));
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
