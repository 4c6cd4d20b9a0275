import { z } from "zod";
import { eventTypePattern } from "../../events/event-type-pattern.ts";
import { type Mapping, type MappingContent, mappingStrategies } from "../../events/mapping.ts";
import { PlatformError } from "../../foundation/errors.ts";
import type { MappingId } from "../../foundation/ids.ts";
import { mappingProblemsOf } from "../../services/compiled-mapping.ts";
import { nameSchema } from "../../services/names.ts";
import { filterExpression } from "./filter-expression.ts";
import { mappingField } from "./mapping-answer.ts";

/** The parts of a mapping that can be changed. */
export const mappingParts = {
  name: z.string().min(1).max(200).nullable(),
  fromType: eventTypePattern,
  toType: z
    .string()
    .min(1)
    .max(1024)
    .regex(/^[^\s*]+$/, 'must be one event type, such as "order.placed"'),
  filter: filterExpression.nullable(),
  strategy: z.enum(mappingStrategies).meta({
    description: "`mapped`: the fields named, nothing else; `all`: the event's data, and the fields laid over it.",
  }),
  fields: z.array(mappingField),
  active: z.boolean(),
};

/** A mapping as people propose it. */
export const mappingInput = z.strictObject({
  ...mappingParts,
  name: mappingParts.name.optional(),
  project: nameSchema.nullable().optional().meta({ description: "Absent: shared by all projects." }),
  filter: mappingParts.filter.optional(),
  strategy: mappingParts.strategy.default("mapped"),
  fields: mappingParts.fields.default([]),
  active: mappingParts.active.default(true),
});

/** Throws `invalid-input` that names everything wrong with it. */
export function mappingContentOf(input: z.output<typeof mappingInput>): MappingContent {
  const { name, project, filter, ...rest } = input;
  const content = {
    ...rest,
    name: name ?? undefined,
    project: project ?? undefined,
    filter: filter ?? undefined,
  } as MappingContent;
  requireSound(content);
  return content;
}

export function requireSound(mapping: MappingContent): void {
  const problems = mappingProblemsOf(mapping);
  if (problems.length === 0) return;
  const text = problems.map(({ path, message }) => `${path}: ${message}`).join("; ");
  throw new PlatformError("invalid-input", `the mapping is not sound: ${text}`, { problems });
}

/** One that is tried, and not there: its events carry this id. */
export function proposed(content: MappingContent): Mapping {
  return { ...content, active: true, id: "proposed" as MappingId, origin: "person", createdAt: 0 };
}
