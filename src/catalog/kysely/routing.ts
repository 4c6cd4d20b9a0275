import type { CloudEvent } from "../../events/cloud-event.ts";
import { eventDigestOf, eventKeyOf } from "../../events/event-key.ts";
import { invariant } from "../../foundation/assert.ts";
import type { EventKey } from "../../foundation/ids.ts";
import type { MappingVerdict } from "../../services/mapping-index.ts";
import type { LedgerLink } from "../ledger.ts";
import type { IncomingEvent, RoutingDecision, RoutingResult, RoutingStore } from "../routing.ts";
import { storeBodies } from "./bodies.ts";
import { BulkInsert } from "./bulk-insert.ts";
import { historyReadLock, hold, holdPartitions, ledgerWriteLock, linksReadLock } from "./locks.ts";
import { countInFlows, insertExecutions, type NewExecution } from "./new-executions.ts";
import { announce } from "./outbox.ts";
import { PartitionCounts } from "./partition-counts.ts";
import { differingOf, readDigests, readRoutingFacts } from "./routing-facts.ts";
import { inTransaction, type StoreContext, type Tx } from "./store-context.ts";

/** Another router has given a key to an event that says something else, after the facts were read. */
class Overtaken extends Error {}

type StoredDecision = Exclude<RoutingDecision, { outcome: "counted" }>;

// The row says who decided: a transaction that finds the key taken starts nothing (rule D2).
const insertLedger = new BulkInsert<"ledger", { key: EventKey }>(
  "ledger",
  [
    "key",
    "digest",
    "type",
    "source",
    "event_id",
    "correlation_id",
    "project",
    "outcome",
    "reason",
    "links",
    "mappings",
    "sequence",
    "received_at",
    "decided_at",
  ],
  (query) => query.onConflict((conflict) => conflict.column("key").doNothing()).returning("key"),
);

export function routingStore(context: StoreContext): RoutingStore {
  return {
    async route(batch, decide) {
      const write = async (tx: Tx, now: number, isLast: boolean) => {
        await holdPartitions(context, tx, [...batch.events, ...batch.positions], [linksReadLock, historyReadLock]);
        const counts = await PartitionCounts.read(context, tx);
        const covered = batch.events.filter((incoming) => counts.isCovered(incoming));
        const fresh = batch.events.filter((incoming) => !counts.isCovered(incoming));
        const facts = await readRoutingFacts(context, tx, { ...batch, fresh, covered }, now);
        const decisions = new Map(decide(facts).map((decision) => [decision.key, decision]));

        const stored: { incoming: IncomingEvent; decision: StoredDecision }[] = [];
        const outcomes = { matched: 0, unmatched: 0, duplicate: 0, rejected: 0, counted: 0 };
        const result = { ...outcomes, executions: 0, skipped: 0, mapped: 0 };
        const seen = new Set<EventKey>(facts.known);
        for (const incoming of fresh) {
          const differing = facts.differing.get(incoming);
          const key = differing ?? incoming.key;
          if (seen.has(key)) {
            countOffset(counts, result, incoming, "duplicate");
            continue;
          }
          seen.add(key);
          const decision = decisions.get(key);
          invariant(decision, `no decision about event ${key}`);
          if (decision.outcome === "counted") countOffset(counts, result, incoming, "counted");
          else stored.push({ incoming: differing === undefined ? incoming : { ...incoming, key }, decision });
        }

        await hold(context, tx, [ledgerWriteLock]);
        const inserted = await writeLedger(tx, stored, now);
        const won = stored.filter(({ incoming }) => inserted.has(incoming.key));
        if (!isLast && won.length < stored.length) {
          const lost = stored.map(({ incoming }) => incoming).filter(({ key }) => !inserted.has(key));
          const digests = await readDigests(
            context,
            tx,
            lost.map(({ key }) => key),
          );
          if (differingOf(lost, digests).size > 0) throw new Overtaken();
        }
        for (const { incoming, decision } of stored) {
          countOffset(counts, result, incoming, inserted.has(incoming.key) ? decision.outcome : "duplicate");
        }
        await storeBodies(
          tx,
          won.map(({ incoming: { key, body } }) => ({ key, body, storedAt: now })),
        );
        const added = await insertExecutions(context, tx, won.flatMap(newExecutionsOf), now);
        Object.assign(result, { executions: added.inserted, skipped: added.skipped });
        await announce(tx, won.flatMap(eventsOf));
        const mapped = won.flatMap(mappedFlowsOf);
        result.mapped = mapped.length;
        if (mapped.length > 0) await countInFlows(tx, mapped, now);
        for (const position of batch.positions) counts.reach(position);
        await counts.write(tx, now);
        return result;
      };
      const told = ({ executions }: RoutingResult) => {
        if (executions > 0) batch.onClaimable?.();
      };
      try {
        return await inTransaction(context, (tx, now) => write(tx, now, false), told);
      } catch (error) {
        if (!(error instanceof Overtaken)) throw error;
        return inTransaction(context, (tx, now) => write(tx, now, true), told);
      }
    },

    async positions() {
      const rows = await context.db.selectFrom("partitions").select(["topic", "partition", "to_offset"]).execute();
      return rows.map(({ topic, partition, to_offset }) => ({ topic, partition, offset: to_offset }));
    },

    startAnew: (positions) =>
      inTransaction(context, async (tx) => {
        await holdPartitions(context, tx, positions);
        for (const { topic, partition, offset } of positions) {
          await tx
            .deleteFrom("partitions")
            .where("topic", "=", topic)
            .where("partition", "=", partition)
            .where("to_offset", "=", offset)
            .execute();
        }
      }),

    reject: (rejected) =>
      inTransaction(context, async (tx, now) => {
        await holdPartitions(context, tx, rejected);
        const counts = await PartitionCounts.read(context, tx);
        for (const place of rejected) if (!counts.isCovered(place)) counts.count(place, "rejected");
        await counts.write(tx, now);
      }),

    pass: (passed) =>
      inTransaction(context, async (tx, now) => {
        await holdPartitions(context, tx, passed);
        const counts = await PartitionCounts.read(context, tx);
        for (const place of passed) counts.pass(place);
        await counts.write(tx, now);
      }),
  };
}

function countOffset(
  counts: PartitionCounts,
  result: RoutingResult,
  incoming: IncomingEvent,
  outcome: RoutingDecision["outcome"] | "duplicate",
): void {
  counts.count(incoming, outcome);
  result[outcome] += 1;
}

async function writeLedger(
  tx: Tx,
  stored: readonly { incoming: IncomingEvent; decision: StoredDecision }[],
  now: number,
): Promise<Set<EventKey>> {
  const { returned } = await insertLedger.run(
    tx,
    stored.map(({ incoming: { key, event, receivedAt }, decision }) => ({
      key,
      digest: eventDigestOf(event),
      type: event.type,
      source: event.source,
      event_id: event.id,
      correlation_id: event.correlationid ?? event.id,
      project: event.fxproject ?? null,
      outcome: decision.outcome,
      reason: decision.reason ?? null,
      links: JSON.stringify(linksOf(decision)),
      mappings: mappingsOf(decision),
      sequence: decision.sequence,
      received_at: receivedAt,
      decided_at: now,
    })),
  );
  return new Set(returned.map(({ key }) => key));
}

function linksOf(decision: StoredDecision): LedgerLink[] {
  if (decision.outcome === "rejected")
    return decision.verdicts.map((verdict) => ({ ...verdict, executionId: undefined }));
  const { verdicts, starts, requested } = decision;
  const started = new Map(starts.map(({ linkId, id }) => [linkId, id]));
  const links = verdicts.map((verdict): LedgerLink => {
    const executionId = verdict.matched && verdict.linkId !== undefined ? started.get(verdict.linkId) : undefined;
    return { ...verdict, executionId };
  });
  if (requested) {
    const { project, service, executionId } = requested;
    links.unshift({ linkId: undefined, project, service, matched: true, reason: undefined, executionId });
  }
  return links;
}

function newExecutionsOf({
  incoming,
  decision,
}: {
  incoming: IncomingEvent;
  decision: StoredDecision;
}): NewExecution[] {
  if (decision.outcome === "rejected") return [];
  const { key, event } = incoming;
  return decision.starts.map((seed) => ({ ...seed, trigger: "event", key, event, retryOf: undefined }));
}

function mappingsOf(decision: StoredDecision): string | null {
  if (decision.outcome === "rejected") return null;
  const { mapped, mappingMisses } = decision;
  if (mapped.length + mappingMisses.length === 0) return null;
  const made = mapped.map(({ mapping, event }): MappingVerdict => {
    const { id: mappingId, name, toType } = mapping;
    return { mappingId, name, toType, matched: true, reason: undefined, eventKey: eventKeyOf(event) };
  });
  return JSON.stringify([...made, ...mappingMisses]);
}

function mappedFlowsOf({ decision }: { decision: StoredDecision }): string[] {
  return decision.outcome === "rejected" ? [] : decision.mapped.map(() => decision.rootFlow);
}

function eventsOf({ decision }: { decision: StoredDecision }): CloudEvent[] {
  if (decision.outcome !== "rejected") return decision.mapped.map(({ event }) => event);
  return decision.notice === undefined ? [] : [decision.notice];
}
