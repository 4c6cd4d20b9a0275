import { z } from "zod";
import { type Mapping, mappingStrategies } from "../../events/mapping.ts";
import type { Json } from "../../foundation/json.ts";
import type { MappingVerdict } from "../../services/mapping-index.ts";
import { timeText } from "./list-query.ts";

/** Described as anything: a schema of all JSON would name itself in the API's description. */
const anyJson = z.unknown() as unknown as z.ZodType<Json>;

export const mappingField = z
  .strictObject({
    target: z.string().meta({ description: '`data`, a path below it ("data.customer.id"), or `subject`.' }),
    from: z.string().optional().meta({ description: 'A path into the event: "data.user.id", "data.items[0].sku".' }),
    value: anyJson.optional().meta({ description: "A constant." }),
    expression: z.string().optional().meta({ description: "CEL over `event`." }),
    required: z.boolean().optional().meta({ description: "The mapping fails where the source is missing." }),
    default: anyJson.optional().meta({ description: "Where the source is missing or cannot be computed." }),
  })
  .meta({ id: "MappingField" });

export const mappingAnswer = z
  .object({
    id: z.string(),
    name: z.string().nullable(),
    project: z.string().nullable().meta({ description: "null: shared by all projects." }),
    fromType: z.string(),
    toType: z.string(),
    filter: z.string().nullable(),
    strategy: z.enum(mappingStrategies),
    fields: z.array(mappingField),
    active: z.boolean(),
    origin: z.literal("person"),
    createdAt: z.string(),
  })
  .meta({ id: "Mapping" });

export function mappingAnswerOf(mapping: Mapping): z.output<typeof mappingAnswer> {
  const { name, project, filter, fields, createdAt, ...rest } = mapping;
  return {
    ...rest,
    name: name ?? null,
    project: project ?? null,
    filter: filter ?? null,
    fields: fields.map((field) => ({ ...field })) as z.output<typeof mappingField>[],
    createdAt: timeText(createdAt),
  };
}

export const mappingVerdict = z
  .object({
    mappingId: z.string(),
    name: z.string().nullable(),
    toType: z.string(),
    matched: z.boolean(),
    reason: z.string().nullable(),
    eventKey: z.string().nullable().meta({ description: "The event that it made." }),
  })
  .meta({ id: "MappingVerdict" });

export function mappingVerdictOf(verdict: MappingVerdict): z.output<typeof mappingVerdict> {
  const { mappingId, name, toType, matched, reason, eventKey } = verdict;
  return { mappingId, name: name ?? null, toType, matched, reason: reason ?? null, eventKey: eventKey ?? null };
}
