import type { FastifyInstance } from "fastify";
import type { ZodTypeProvider } from "fastify-type-provider-zod";
import { z } from "zod";
import { eventTypePattern } from "../../events/event-type-pattern.ts";
import { PlatformError } from "../../foundation/errors.ts";
import type { LinkId, VersionId } from "../../foundation/ids.ts";
import type { RoutableLink } from "../../services/link.ts";
import { LinkIndex } from "../../services/link-index.ts";
import { defaultProject, nameSchema } from "../../services/names.ts";
import { type BacktestResult, backtest, type Proposal } from "../backtest/backtest.ts";
import { maxTypes } from "../backtest/stored-events.ts";
import type { ApiParts } from "./api-parts.ts";
import { eventBody } from "./event-answer.ts";
import { filterExpression } from "./filter-expression.ts";
import { timeText } from "./list-query.ts";
import { mappingContentOf, mappingInput, proposed } from "./mapping-input.ts";
import { required } from "./required.ts";

/** Most events that one backtest looks at. */
const maxEvents = 100_000;
const hourMs = 3_600_000;
const maxHours = 24 * 366;

const proposedLink = z.strictObject({
  project: nameSchema.default(defaultProject),
  service: nameSchema,
  version: z.string().min(1).default("active"),
  eventType: eventTypePattern,
  filter: filterExpression.nullable().optional(),
});

const backtestBody = z
  .strictObject({
    link: proposedLink.optional(),
    mapping: mappingInput.optional(),
    hours: z.number().positive().max(maxHours).default(24).meta({ description: "How far back; retention bounds it." }),
    samples: z.number().int().min(0).max(100).default(10),
  })
  .refine(({ link, mapping }) => (link === undefined) !== (mapping === undefined), 'give either "link" or "mapping"');

const sample = z.object({
  key: z.string(),
  event: eventBody,
  receivedAt: z.string(),
  matched: z.boolean(),
  reason: z.string().nullable(),
  alreadyDone: z.boolean(),
  made: eventBody.nullable().meta({ description: "Of a mapping: the event that it would have made." }),
});

const backtestAnswer = z
  .object({
    from: z.string(),
    to: z.string(),
    examined: z.int(),
    matched: z.int().meta({ description: "Events that would have started a run, or been mapped." }),
    alreadyDone: z.int().meta({
      description: "Of the matched: those that had started that service, or been mapped to that type, already.",
    }),
    missed: z.int(),
    notRouted: z.int().meta({ description: "Rejected, recorded only, or of another project." }),
    unknown: z.int().meta({ description: "Retention has taken their data." }),
    reasons: z.array(z.object({ reason: z.string(), count: z.int() })),
    hours: z.array(z.object({ hour: z.string(), examined: z.int(), matched: z.int() })),
    further: z.array(z.object({ service: z.string(), count: z.int() })).meta({
      description: "Of a mapping: runs that its events would have started by the links there are, one step on.",
    }),
    samples: z.array(sample),
    truncated: z.boolean().meta({
      description: `Not all were looked at: there are more than ${maxEvents} events, of which the oldest were left out, or more than ${maxTypes} types, of which the last by name were.`,
    }),
    endedAt: z
      .string()
      .nullable()
      .meta({ description: "Where the oldest events were left out: the time of the oldest one looked at." }),
  })
  .meta({ id: "Backtest" });

/** What a proposed link or mapping would have done with the stored events; nothing is stored or started. */
export function backtestRoute(
  scope: FastifyInstance,
  { catalog, clock, closing }: Pick<ApiParts, "catalog" | "clock"> & { closing: AbortSignal },
): void {
  scope.withTypeProvider<ZodTypeProvider>().post(
    "/route/backtest",
    {
      config: { access: "administrator" },
      schema: {
        operationId: "backtest",
        summary: "What a proposed link or mapping would have done with the events of the last hours",
        description: "Decided as the router decides, but for the hop limit and the budget of a flow.",
        tags: ["links"],
        body: backtestBody,
        response: { 200: backtestAnswer },
      },
    },
    async ({ body }, reply) => {
      const proposal = await proposalOf({ catalog }, body);
      const to = clock.now() + 1;
      const limits = { from: to - body.hours * hourMs, to, samples: body.samples, events: maxEvents };
      // Nobody waits for the answer any more.
      const gone = new AbortController();
      reply.raw.once("close", () => gone.abort());
      const stopped = AbortSignal.any([gone.signal, closing]);
      return answerOf(await backtest({ ledger: catalog.ledger, clock }, proposal, limits, stopped), limits);
    },
  );
}

async function proposalOf(
  { catalog }: Pick<ApiParts, "catalog">,
  { link, mapping }: z.output<typeof backtestBody>,
): Promise<Proposal> {
  if (mapping !== undefined) {
    const { epoch, links } = await catalog.links.snapshot();
    return { mapping: proposed(mappingContentOf(mapping)), links: new LinkIndex(epoch, links) };
  }
  if (link === undefined) throw new PlatformError("invalid-input", 'give either "link" or "mapping"');
  const { project, service: name, version, eventType, filter } = link;
  const service = required(await catalog.services.get(project, name), `there is no service ${project}/${name}`);
  const id = version === "active" ? service.activeVersion : (version as VersionId);
  if (id === undefined) {
    throw new PlatformError("invalid-input", `service ${project}/${name} has no version yet: deploy it`);
  }
  const found = await catalog.services.version(id);
  if (found === undefined || found.project !== project || found.name !== name) {
    throw new PlatformError("not-found", `service ${project}/${name} has no version ${id}`);
  }
  return {
    link: {
      id: "proposed" as LinkId,
      project,
      service: name,
      version: version as RoutableLink["version"],
      eventType,
      filter: filter ?? undefined,
      active: true,
      origin: "person",
      createdAt: 0,
      target: {
        active: true,
        version: id,
        priority: service.priority,
        concurrencyKey: found.manifest.concurrency_key,
      },
    },
  };
}

function answerOf(result: BacktestResult, { from, to }: { from: number; to: number }): z.output<typeof backtestAnswer> {
  const { hours, reasons, further, samples, truncatedAt, typesLeftOut, ...counts } = result;
  const event = (value: unknown) => value as z.output<typeof eventBody>;
  return {
    ...counts,
    from: timeText(from),
    to: timeText(to),
    reasons: byCount(reasons).map(([reason, count]) => ({ reason, count })),
    further: byCount(further).map(([service, count]) => ({ service, count })),
    hours: [...hours].sort(([a], [b]) => a - b).map(([hour, found]) => ({ hour: timeText(hour), ...found })),
    samples: samples.map(({ entry, matched, reason, made, alreadyDone }) => ({
      key: entry.key,
      event: event(entry.event),
      receivedAt: timeText(entry.receivedAt),
      matched,
      reason: reason ?? null,
      alreadyDone,
      made: made === undefined ? null : event(made),
    })),
    truncated: truncatedAt !== undefined || typesLeftOut,
    endedAt: timeText(truncatedAt),
  };
}

function byCount(counts: ReadonlyMap<string, number>): [string, number][] {
  return [...counts].sort(([, a], [, b]) => b - a);
}
