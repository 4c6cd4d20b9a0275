import { z } from "zod";
import type { Link } from "../../services/link.ts";
import { timeText } from "./list-query.ts";

export const linkAnswer = z
  .object({
    id: z.string(),
    project: z.string(),
    service: z.string(),
    version: z.string().meta({ description: '"active", or a version\'s id.' }),
    eventType: z.string(),
    filter: z.string().nullable(),
    active: z.boolean(),
    origin: z.enum(["manifest", "person"]),
    createdAt: z.string(),
  })
  .meta({ id: "Link" });

export function linkAnswerOf(link: Link): z.output<typeof linkAnswer> {
  const { id, project, service, version, eventType, filter, active, origin, createdAt } = link;
  return {
    id,
    project,
    service,
    version,
    eventType,
    filter: filter ?? null,
    active,
    origin,
    createdAt: timeText(createdAt),
  };
}
