import type { Catalog } from "../../src/catalog/catalog.ts";
import type { VersionId } from "../../src/foundation/ids.ts";
import { manifestSchema, queuePolicies } from "../../src/services/manifest.ts";
import { drawProgram } from "./programs.ts";
import { filters } from "./reference-matching.ts";
import type { SeededRandom } from "./seeded-random.ts";
import type { World } from "./world.ts";

export const eventTypes = ["a.one", "a.two", "b.one", "b.one.deep", "c"] as const;
export const lifecycleTypes = ["fx.execution.completed", "fx.execution.*", "fx.event.rejected"] as const;
export const projects = ["default", "other"] as const;

/** Deploys the n-th service, or another version of it. What a version does is in the world's programs. */
export async function deployService(world: World, catalog: Catalog, random: SeededRandom, n: number): Promise<void> {
  const project = n % 3 === 2 ? "other" : "default";
  const name = `s${n}`;
  const id = `version-${world.versions.size}` as VersionId;
  const scripts = Array.from({ length: random.chance(0.3) ? 2 : 1 }, (_, index) => `step-${index + 1}.py`);
  for (const script of scripts) world.programs.set(`${id}/${script}`, drawProgram(random, eventTypes));
  const manifest = manifestSchema.parse({
    trigger_events: drawTriggers(random),
    priority: random.between(1, 10),
    timeout: random.pick([1, 5, 15]),
    retries: random.pick([0, 0, 1, { count: 3, delay: 0.1, max_delay: 1 }, { count: 2, delay: 5, max_delay: 60 }]),
    on_lost: random.chance(0.2) ? "fail" : "retry",
    ...(random.chance(0.3) ? { concurrency_key: random.pick(['"one"', "event.data.n", "event.missing"]) } : {}),
    ...(random.chance(0.25) ? { concurrency: random.between(1, 3) } : {}),
    ...(random.chance(0.2) ? { throttle: { limit: random.between(1, 3), period: random.pick([0.5, 2, 5]) } } : {}),
    ...(random.chance(0.2) ? { queue: { limit: random.between(1, 4), policy: random.pick(queuePolicies) } } : {}),
    ...(random.chance(0.15) ? { schedule: "* * * * *", catch_up: random.pick(["one", "none", "all"]) } : {}),
  });
  const version = { id, project, name, manifest, scripts, files: [], warnings: [] };
  world.versions.set(id, version);
  await catalog.services.deploy(version);
}

function drawTriggers(random: SeededRandom) {
  const triggers = Array.from({ length: random.between(1, 2) }, () => {
    // Seldom: a service that hears of every run more than doubles what there is to do.
    const lifecycle = random.chance(0.07);
    const type = random.pick(lifecycle ? lifecycleTypes : [...eventTypes, "a.*", "b.*"]);
    return random.chance(0.25) ? { type, filter: random.pick(Object.keys(filters)) } : type;
  });
  return [...new Map(triggers.map((trigger) => [JSON.stringify(trigger), trigger])).values()];
}
