import { z } from "zod";
import type { Service, ServiceVersion } from "../../services/service.ts";
import { linkAnswer } from "./link-answer.ts";
import { timeText } from "./list-query.ts";

export const serviceAnswer = z
  .object({
    project: z.string(),
    name: z.string(),
    activeVersion: z.string().nullable(),
    active: z.boolean(),
    priority: z.int(),
    createdAt: z.string(),
    updatedAt: z.string(),
  })
  .meta({ id: "Service" });

const fileAnswer = z.object({ path: z.string(), sizeBytes: z.int(), hash: z.string() });

export const versionAnswer = z
  .object({
    version: z.string(),
    scripts: z.array(z.string()),
    warnings: z.array(z.string()),
    createdAt: z.string(),
  })
  .meta({ id: "Version" });

export const serviceDetail = serviceAnswer
  .extend({
    manifest: z.record(z.string(), z.unknown()).nullable().meta({ description: "Of the active version." }),
    scripts: z.array(z.string()),
    files: z.array(fileAnswer),
    versions: z.array(versionAnswer).meta({ description: "The newest 100." }),
    links: z.array(linkAnswer),
  })
  .meta({ id: "ServiceDetail" });

export function serviceAnswerOf(service: Service): z.output<typeof serviceAnswer> {
  const { project, name, activeVersion, active, priority, createdAt, updatedAt } = service;
  return {
    project,
    name,
    activeVersion: activeVersion ?? null,
    active,
    priority,
    createdAt: timeText(createdAt),
    updatedAt: timeText(updatedAt),
  };
}

export function versionAnswerOf({ id, scripts, warnings, createdAt }: ServiceVersion): z.output<typeof versionAnswer> {
  return { version: id, scripts, warnings, createdAt: timeText(createdAt) };
}
