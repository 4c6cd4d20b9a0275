import type { FastifyInstance } from "fastify";
import type { ZodTypeProvider } from "fastify-type-provider-zod";
import { z } from "zod";
import type { CloudEvent } from "../../events/cloud-event.ts";
import { readCloudEvent } from "../../events/read-cloud-event.ts";
import { PlatformError } from "../../foundation/errors.ts";
import { nearest } from "../../foundation/nearest.ts";
import { LinkIndex } from "../../services/link-index.ts";
import type { ApiParts } from "./api-parts.ts";

const verdict = z.object({
  linkId: z.string().nullable(),
  project: z.string(),
  service: z.string(),
  matched: z.boolean(),
  reason: z.string().nullable(),
});

const dryRunAnswer = z
  .object({
    outcome: z.enum(["matched", "unmatched"]),
    reason: z.string().nullable(),
    matches: z.array(
      z.object({
        linkId: z.string(),
        project: z.string(),
        service: z.string(),
        version: z.string(),
        concurrencyKey: z.string().nullable(),
      }),
    ),
    misses: z.array(verdict).meta({ description: "Links of this type that do not match, and why." }),
    nearest: z
      .string()
      .nullable()
      .meta({ description: "Where no link names the type: the type that one names and that was perhaps meant." }),
  })
  .meta({ id: "DryRun" });

/** What an event would start. Uses the router's own index, so that what is tried is what happens. */
export function dryRunRoute(scope: FastifyInstance, { catalog }: Pick<ApiParts, "catalog">): void {
  let cached: { index: LinkIndex; eventTypes: ReadonlySet<string> } | undefined;

  async function currentLinks() {
    if (cached?.index.epoch !== (await catalog.links.epoch())) {
      const { epoch, links } = await catalog.links.snapshot();
      cached = { index: new LinkIndex(epoch, links), eventTypes: new Set(links.map(({ eventType }) => eventType)) };
    }
    return cached as NonNullable<typeof cached>;
  }

  // The same body as for `POST /events` is taken with the same content type.
  scope.addContentTypeParser(
    "application/cloudevents+json",
    { parseAs: "string" },
    scope.getDefaultJsonParser("error", "error"),
  );
  scope.withTypeProvider<ZodTypeProvider>().post(
    "/route/dry-run",
    {
      config: { access: "administrator" },
      schema: {
        operationId: "dryRun",
        summary: "Which links an event would match, and why the near misses do not; nothing is stored",
        description: "A CloudEvent as JSON; `specversion`, `id` and `source` may be left out.",
        tags: ["links"],
        consumes: ["application/json", "application/cloudevents+json"],
        body: z.looseObject({ type: z.string() }),
        response: { 200: dryRunAnswer },
      },
    },
    async ({ body }) => {
      const event = eventOf(body);
      const { index, eventTypes } = await currentLinks();
      const { matches, misses } = index.match(event);
      const unknownType = matches.length + misses.length === 0 && !index.wants(event.type);
      const near = unknownType ? nearest(event.type, eventTypes) : undefined;
      return {
        outcome: matches.length > 0 ? ("matched" as const) : ("unmatched" as const),
        reason: matches.length > 0 ? null : reasonFor(event, misses.length, unknownType, near),
        matches: matches.map(({ link, version, concurrencyKey }) => ({
          linkId: link.id,
          project: link.project,
          service: link.service,
          version,
          concurrencyKey: concurrencyKey ?? null,
        })),
        misses: misses.map(({ linkId, project, service, matched, reason }) => ({
          linkId: linkId ?? null,
          project,
          service,
          matched,
          reason: reason ?? null,
        })),
        nearest: near ?? null,
      };
    },
  );
}

function eventOf(body: Record<string, unknown>): CloudEvent {
  const reading = readCloudEvent({ specversion: "1.0", id: "dry-run", source: "/dry-run", ...body });
  if (reading.ok) return reading.event;
  const text = reading.problems.map(({ path, message }) => `${path} ${message}`.trim()).join("; ");
  throw new PlatformError("invalid-input", `the event is not valid: ${text}`, { problems: reading.problems });
}

function reasonFor(event: CloudEvent, misses: number, unknownType: boolean, near: string | undefined): string {
  if (unknownType) return `no link names ${event.type}${near === undefined ? "" : `; nearest: ${near}`}`;
  if (misses > 0)
    return misses === 1
      ? "the one link of this type does not match"
      : `none of the ${misses} links of this type matches`;
  return `the links that name ${event.type} belong to other projects than "${event.fxproject}"`;
}
