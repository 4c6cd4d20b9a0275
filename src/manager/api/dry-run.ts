import type { FastifyInstance } from "fastify";
import type { ZodTypeProvider } from "fastify-type-provider-zod";
import { z } from "zod";
import type { CloudEvent } from "../../events/cloud-event.ts";
import { eventKeyOf } from "../../events/event-key.ts";
import { readCloudEvent } from "../../events/read-cloud-event.ts";
import { PlatformError } from "../../foundation/errors.ts";
import { nearest } from "../../foundation/nearest.ts";
import { RoutingIndex } from "../../services/routing-index.ts";
import type { ApiParts } from "./api-parts.ts";
import { eventBody } from "./event-answer.ts";
import { mappingVerdict, mappingVerdictOf } from "./mapping-answer.ts";

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
    mapped: z
      .array(z.object({ mappingId: z.string(), name: z.string().nullable(), event: eventBody }))
      .meta({ description: "Events that mappings would make of it." }),
    mappingMisses: z.array(mappingVerdict).meta({ description: "Mappings of this type that make nothing, and why." }),
    nearest: z
      .string()
      .nullable()
      .meta({ description: "Where no link names the type: the type that one names and that was perhaps meant." }),
  })
  .meta({ id: "DryRun" });

/** What an event would start. Uses the router's own index, so that what is tried is what happens. */
export function dryRunRoute(scope: FastifyInstance, { catalog, clock }: Pick<ApiParts, "catalog" | "clock">): void {
  let cached: { index: RoutingIndex; eventTypes: ReadonlySet<string> } | undefined;

  async function currentLinks() {
    if (cached?.index.epoch !== (await catalog.links.epoch())) {
      const snapshot = await catalog.links.snapshot();
      const eventTypes = new Set(snapshot.links.map(({ eventType }) => eventType));
      for (const { fromType } of snapshot.mappings) eventTypes.add(fromType);
      cached = { index: new RoutingIndex(snapshot), eventTypes };
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
        summary: "Which links and mappings an event would match, and why the near misses do not; nothing is stored",
        description: "A CloudEvent as JSON; `specversion`, `id` and `source` may be left out.",
        tags: ["links"],
        consumes: ["application/json", "application/cloudevents+json"],
        body: tryableEvent,
        response: { 200: dryRunAnswer },
      },
    },
    async ({ body }) => {
      const event = tryableEventOf(body);
      const { index, eventTypes } = await currentLinks();
      const { matches, misses } = index.links.match(event);
      const rootFlow = event.correlationid ?? event.id;
      const from = { key: eventKeyOf(event), sequence: 0, rootFlow, lifecycle: false, now: clock.now() };
      const { made, misses: unmapped } = index.mappings.map(event, from);
      const matched = matches.length + made.length > 0;
      const unknownType = !matched && misses.length + unmapped.length === 0 && !index.wants(event.type);
      const near = unknownType ? nearest(event.type, eventTypes) : undefined;
      return {
        outcome: matched ? ("matched" as const) : ("unmatched" as const),
        reason: matched ? null : reasonFor(event, misses.length + unmapped.length, unknownType, near),
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
        mapped: made.map(({ mapping, event: result }) => ({
          mappingId: mapping.id,
          name: mapping.name ?? null,
          event: result as z.output<typeof eventBody>,
        })),
        mappingMisses: unmapped.map(mappingVerdictOf),
        nearest: near ?? null,
      };
    },
  );
}

/** A CloudEvent to try something on; what only tells it apart from others may be left out. */
export const tryableEvent = z.looseObject({ type: z.string() });

export function tryableEventOf(body: Record<string, unknown>): CloudEvent {
  const reading = readCloudEvent({ specversion: "1.0", id: "dry-run", source: "/dry-run", ...body });
  if (reading.ok) return reading.event;
  const text = reading.problems.map(({ path, message }) => `${path} ${message}`.trim()).join("; ");
  throw new PlatformError("invalid-input", `the event is not valid: ${text}`, { problems: reading.problems });
}

function reasonFor(event: CloudEvent, misses: number, unknownType: boolean, near: string | undefined): string {
  if (unknownType) return `no link names ${event.type}${near === undefined ? "" : `; nearest: ${near}`}`;
  if (misses > 0)
    return misses === 1
      ? "the one link or mapping of this type does not match"
      : `none of the ${misses} links and mappings of this type matches`;
  return `the links that name ${event.type} belong to other projects than "${event.fxproject}"`;
}
