import { z } from "zod";
import type { LedgerEntry } from "../../catalog/ledger.ts";
import type { CloudEvent } from "../../events/cloud-event.ts";
import type { EventKey } from "../../foundation/ids.ts";
import { timeText } from "./list-query.ts";
import { mappingVerdict, mappingVerdictOf } from "./mapping-answer.ts";

/** A CloudEvent as people send and get it; `cloudEventSchema` judges it. */
export const eventBody = z
  .looseObject({
    specversion: z.literal("1.0"),
    id: z.string(),
    source: z.string(),
    type: z.string(),
    subject: z.string().optional(),
    time: z.string().optional().meta({ description: "RFC 3339" }),
    datacontenttype: z.string().optional(),
    data: z.unknown().optional(),
    data_base64: z.string().optional(),
    correlationid: z.string().optional().meta({ description: "The flow. One is made where it is absent." }),
    partitionkey: z.string().optional(),
    fxproject: z.string().optional().meta({ description: "The project that may see it; absent: all." }),
  })
  .meta({ id: "CloudEvent" });

export const eventAnswer = z
  .object({
    key: z.string(),
    event: eventBody,
    outcome: z.enum(["matched", "unmatched", "rejected", "pending"]),
    reason: z.string().nullable(),
    links: z.array(
      z.object({
        linkId: z.string().nullable(),
        project: z.string(),
        service: z.string(),
        matched: z.boolean(),
        reason: z.string().nullable(),
        executionId: z.string().nullable(),
      }),
    ),
    mappings: z.array(mappingVerdict).meta({ description: "Every mapping that takes its type, and what it made." }),
    receivedAt: z.string(),
  })
  .meta({ id: "Event" });

export type EventAnswer = z.output<typeof eventAnswer>;

export function eventAnswerOf(entry: LedgerEntry): EventAnswer {
  return {
    key: entry.key,
    event: entry.event as z.output<typeof eventBody>,
    outcome: entry.outcome,
    reason: entry.reason ?? null,
    links: entry.links.map(({ linkId, project, service, matched, reason, executionId }) => ({
      linkId: linkId ?? null,
      project,
      service,
      matched,
      reason: reason ?? null,
      executionId: executionId ?? null,
    })),
    mappings: entry.mappings.map(mappingVerdictOf),
    receivedAt: timeText(entry.receivedAt),
  };
}

/** Accepted and durable, but not routed yet. */
export function pendingAnswerOf(key: EventKey, event: CloudEvent, receivedAt: number): EventAnswer {
  return {
    key,
    event: event as z.output<typeof eventBody>,
    outcome: "pending",
    reason: "accepted, and waiting for the router",
    links: [],
    mappings: [],
    receivedAt: timeText(receivedAt),
  };
}
