import type { Catalog } from "../../src/catalog/catalog.ts";
import { coversType, type MappingContent } from "../../src/events/mapping.ts";
import { eventTypes, lifecycleTypes, projects } from "./drawn-services.ts";
import { filters, mappingShapes } from "./reference-matching.ts";
import type { SeededRandom } from "./seeded-random.ts";
import type { World } from "./world.ts";

interface Client {
  world: World;
  random: SeededRandom;
  catalog: Catalog;
}

/** A mapping that a person could make; some would feed themselves and are refused. */
function drawMapping(random: SeededRandom): MappingContent {
  return {
    name: undefined,
    project: random.chance(0.3) ? random.pick(projects) : undefined,
    fromType: random.pick(random.chance(0.15) ? lifecycleTypes : [...eventTypes, "a.*"]),
    toType: random.pick(eventTypes),
    filter: random.chance(0.2) ? random.pick(Object.keys(filters)) : undefined,
    active: random.chance(0.9),
    ...random.pick(mappingShapes),
  };
}

/** The mappings that a world begins with: none, a few, or a loop, with or without more that leave it. */
export async function createMappings(catalog: Catalog, random: SeededRandom): Promise<void> {
  const mappings = Array.from({ length: random.pick([0, 0, 1, 2, 4]) }, () => drawMapping(random));
  if (random.chance(0.15)) {
    const loop = { name: undefined, project: undefined, filter: undefined, active: true, ...mappingShapes[0] };
    mappings.push({ ...loop, fromType: "a.one", toType: "b.one" }, { ...loop, fromType: "b.one", toType: "a.one" });
  }
  for (const mapping of mappings) {
    if (!coversType(mapping.fromType, mapping.toType)) await catalog.mappings.create(mapping);
  }
}

export async function createMapping({ random, catalog }: Client): Promise<void> {
  await catalog.mappings.create(drawMapping(random));
}

export async function changeMapping({ random, catalog, world }: Client): Promise<void> {
  const { items } = await world.drivers.catalog.mappings.list({}, { limit: 100 });
  if (items.length === 0) return;
  const { id, active } = random.pick(items);
  const dice = random.fraction();
  if (dice < 0.4) await catalog.mappings.update(id, { active: !active });
  else if (dice < 0.7) await catalog.mappings.update(id, random.pick(mappingShapes));
  else await catalog.mappings.delete(id);
}
