import type { FastifyInstance } from "fastify";
import type { ZodTypeProvider } from "fastify-type-provider-zod";
import { z } from "zod";
import type { CloudEvent } from "../../events/cloud-event.ts";
import { eventKeyOf } from "../../events/event-key.ts";
import type { MappingContent } from "../../events/mapping.ts";
import { coversType } from "../../events/mapping.ts";
import { isLifecycleType } from "../../events/reserved-types.ts";
import { compileMapping } from "../../services/compiled-mapping.ts";
import { compileFilter } from "../../services/filter.ts";
import { MappingIndex } from "../../services/mapping-index.ts";
import { storedEvents } from "../backtest/stored-events.ts";
import type { ApiParts } from "./api-parts.ts";
import { tryableEvent, tryableEventOf } from "./dry-run.ts";
import { eventBody } from "./event-answer.ts";
import { mappingContentOf, mappingInput, proposed } from "./mapping-input.ts";

const problem = z.object({ path: z.string(), message: z.string() });

const previewed = z
  .object({
    before: eventBody,
    after: eventBody.nullable().meta({ description: "null: nothing would be made; see `reason`." }),
    reason: z.string().nullable(),
    problems: z.array(problem).meta({ description: "One for each field that cannot be made." }),
    left: z.array(z.string()).meta({ description: "Targets left out, since their source is missing." }),
  })
  .meta({ id: "PreviewedMapping" });

const previewAnswer = z.object({ items: z.array(previewed) }).meta({ id: "MappingPreview" });

type Previewed = z.output<typeof previewed>;

/** What a proposed mapping would make, by the router's own code; nothing is stored or sent. */
export function mappingPreviewRoute(
  scope: FastifyInstance,
  { catalog, clock }: Pick<ApiParts, "catalog" | "clock">,
): void {
  scope.withTypeProvider<ZodTypeProvider>().post(
    "/mappings/preview",
    {
      config: { access: "administrator" },
      schema: {
        operationId: "previewMapping",
        summary: "What a proposed mapping makes of an event, or of the last stored events of its type",
        tags: ["mappings"],
        body: z.strictObject({
          mapping: mappingInput,
          event: tryableEvent.optional().meta({ description: "Absent: the last stored events." }),
          last: z.number().int().min(1).max(100).default(5),
        }),
        response: { 200: previewAnswer },
      },
    },
    async ({ body }) => {
      const content = mappingContentOf(body.mapping);
      const events = body.event
        ? [tryableEventOf(body.event)]
        : await lastEvents({ catalog }, content.fromType, body.last);
      return { items: events.map((event) => preview(content, event, clock.now())) };
    },
  );
}

async function lastEvents({ catalog }: Pick<ApiParts, "catalog">, type: string, count: number): Promise<CloudEvent[]> {
  const events: CloudEvent[] = [];
  const { entries } = await storedEvents(catalog.ledger, type, {});
  for await (const { event, stripped } of entries) {
    if (!stripped) events.push(event);
    if (events.length === count) break;
  }
  return events;
}

function preview(content: MappingContent, event: CloudEvent, now: number): Previewed {
  const before = event as z.output<typeof eventBody>;
  const data = compileMapping(content, compileFilter).apply(event);
  const problems = data.ok ? [] : data.problems.map((found) => ({ ...found }));
  const left = data.ok ? data.left : [];
  const from = {
    key: eventKeyOf(event),
    sequence: Number(event.sequence ?? 0) || 0,
    lifecycle: isLifecycleType(event.type),
    now,
  };
  const rootFlow = event.correlationid ?? event.id;
  const { made, misses } = new MappingIndex([proposed(content)]).map(event, { ...from, rootFlow });
  const after = (made[0]?.event as z.output<typeof eventBody> | undefined) ?? null;
  return { before, after, reason: after ? null : (misses[0]?.reason ?? notSeen(content, event)), problems, left };
}

function notSeen({ fromType, project }: MappingContent, event: CloudEvent): string {
  return coversType(fromType, event.type)
    ? `it belongs to project "${event.fxproject}", and the mapping to "${project}"`
    : `its type is "${event.type}", and the mapping takes "${fromType}"`;
}
