// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the texts are source code with templates of its own.
import { noFaults } from "./faults.ts";
import type { PlantedBug } from "./planted-bug.ts";
import { cluster, deaf, rough } from "./planted-worlds.ts";

const routing = "catalog/kysely/routing.ts";
const facts = "catalog/kysely/routing-facts.ts";
const ends = "catalog/kysely/end-attempts.ts";
const decide = "router/decide.ts";

/** What breaks the way of an event up to its executions: rules D1 to D3 and D12 to D20. */
export const bugsOfRouting: readonly PlantedBug[] = [
  {
    rule: "D1",
    name: "the end of an attempt is not told",
    edits: [{ file: ends, find: "ended.flatMap((attempt) => eventsOf(attempt, now))", replace: "[]" }],
  },
  {
    rule: "D1",
    name: "the outbox is cleared before its events are on the bus",
    given: rough,
    edits: [
      {
        file: "catalog/kysely/outbox.ts",
        find: "await publish(entries);\n        // Not waited",
        replace: "await remove(context, db, entries);\n        await publish(entries);\n        // Not waited",
      },
    ],
  },
  {
    rule: "D1",
    name: "the outbox waits for a signal that may be lost",
    given: deaf,
    edits: [{ file: "recovery/outbox-publisher.ts", find: "idleMs: pollMs,", replace: "idleMs: 1e12," }],
  },
  {
    rule: "D2",
    name: "a batch is decided against the links that the router remembers",
    edits: [
      {
        file: facts,
        find: "newer: epoch === linkEpoch ? undefined : await readLinkSnapshot(tx)",
        replace: "newer: epoch >= linkEpoch && linkEpoch > 0 ? undefined : await readLinkSnapshot(tx)",
      },
    ],
  },
  {
    rule: "D2",
    name: "an event whose row another has written starts its runs again",
    given: rough,
    edits: [
      {
        file: facts,
        find: "const digests = await readDigests(context, tx, keys);",
        replace: "const digests = new Map<EventKey, string>();",
      },
      { file: routing, find: "won.flatMap(newExecutionsOf)", replace: "stored.flatMap(newExecutionsOf)" },
      {
        file: "catalog/kysely/new-executions.ts",
        find: 'query.onConflict((conflict) =>\n      conflict.columns(["event_key", "link_id"]).where("retry_of", "is", null).doNothing(),\n    ),',
        replace: "query,",
      },
    ],
  },
  {
    rule: "D2",
    name: "executions are made outside of the transaction that decides",
    given: rough,
    edits: [
      {
        file: routing,
        find: "const added = await insertExecutions(context, tx, won.flatMap(newExecutionsOf), now);",
        replace: "const added = await insertExecutions(context, tx, won.slice(1).flatMap(newExecutionsOf), now);",
      },
    ],
  },
  {
    rule: "D3",
    name: "a forged run request is taken for one",
    edits: [
      {
        file: decide,
        find: "if (isRunRequest(event) && requested === undefined) {",
        replace: 'if (isRunRequest(event) && requested === undefined && event.id === "") {',
      },
    ],
  },
  {
    rule: "D3",
    name: "the router believes a reserved type from outside",
    edits: [
      { file: decide, find: "if (!fromPlatform && isReservedType(event.type)) {", replace: 'if (event.id === "") {' },
    ],
  },
  {
    rule: "D10",
    name: "what is said under the id of another event is dropped as its repeat",
    edits: [
      {
        file: facts,
        find: "const differing = differingOf(batch.fresh, digests);",
        replace: "const differing = new Map<IncomingEvent, EventKey>();",
      },
    ],
  },
  {
    rule: "D12",
    name: "one event that cannot be stored holds up its partition",
    edits: [
      {
        file: "router/router.ts",
        find: "if (segment.events.length === 1) return this.#setAside(segment.events[0] as ReadEvent, messageOf(error));",
        replace: "if (segment.events.length === 1) throw error;",
      },
    ],
  },
  {
    rule: "D12",
    name: "a record that is no event is dropped without a dead letter",
    edits: [
      {
        file: "router/router.ts",
        find: "await bus.publish([deadLetter(record, reason)]);",
        replace: "",
      },
    ],
  },
  {
    rule: "D13",
    name: "positions do not move with the decisions",
    given: rough,
    edits: [
      { file: "catalog/kysely/partition-counts.ts", find: 'to_offset: eb.ref("excluded.to_offset"),', replace: "" },
    ],
  },
  {
    rule: "D13",
    name: "pruning takes executions that are still to run",
    given: { pruning: true, operations: 40, durationMs: 20_000 },
    edits: [
      {
        file: "catalog/kysely/retention.ts",
        find: "where created_at < ${before} and finished_at is not null order by",
        replace: "where created_at < ${before} order by",
      },
    ],
  },
  {
    rule: "D14",
    name: "there is no hop limit",
    edits: [
      {
        file: decide,
        find: "if (sequence > limits.hops && !exempt) {",
        replace: "if (sequence > 1000 && !exempt) {",
      },
    ],
    given: { limits: { hops: 2, flowExecutions: 15 } },
  },
  {
    rule: "D14",
    name: "a flow has no budget",
    edits: [
      {
        file: decide,
        find: "before + starting > limits.flowExecutions &&",
        replace: "before + starting > limits.flowExecutions + 5 &&",
      },
    ],
    given: { limits: { hops: 6, flowExecutions: 3 } },
  },
  {
    rule: "D14",
    name: "a script leaves its flow's budget behind by naming another flow",
    given: { limits: { hops: 100, flowExecutions: 3 } },
    edits: [
      {
        file: decide,
        find: "const flow = rootFlowOf(incoming, facts.causes);",
        replace: "const flow = event.correlationid ?? event.id;",
      },
    ],
  },
  {
    rule: "D14",
    name: "the lifecycle of a lifecycle run starts runs",
    edits: [
      {
        file: decide,
        find: "if (lifecycle && cause?.startedByLifecycle) {",
        replace: 'if (lifecycle && event.id === "") {',
      },
    ],
  },
  {
    rule: "D15",
    name: "duplicates are not counted",
    given: rough,
    edits: [
      {
        file: routing,
        find: 'if (seen.has(key)) {\n            countOffset(counts, result, incoming, "duplicate");',
        replace: "if (seen.has(key)) {",
      },
    ],
  },
  {
    rule: "D16",
    name: "what is right in a wrong batch is taken",
    edits: [
      {
        file: "manager/api/event-intake.ts",
        find: "refuseReserved(events, batched);",
        replace: "",
      },
    ],
  },
  {
    rule: "D17",
    name: "a link that a person removed comes back with the next deploy",
    given: { operations: 40 },
    edits: [
      {
        file: "catalog/kysely/activate-version.ts",
        find: '.where("version", "=", "active")\n    .execute();',
        replace:
          '.where("version", "=", "active")\n    .execute();\n  for (const link of there) if (link.removed === 1 && link.origin === "manifest") await tx.updateTable("links").set({ removed: 0 }).where("id", "=", link.id).execute();',
      },
    ],
  },
  {
    rule: "D17",
    name: "a repeated run request starts another run",
    given: { operations: 40 },
    edits: [
      {
        file: "catalog/kysely/run-requests.ts",
        find: "if (request.numInsertedOrUpdatedRows === 0n) {",
        replace: "if (request.numInsertedOrUpdatedRows === 7n) {",
      },
      {
        file: "catalog/kysely/new-executions.ts",
        find: 'conflict.columns(["event_key", "link_id"]).where("retry_of", "is", null).doNothing()',
        replace: 'conflict.column("id").doNothing()',
      },
    ],
  },
  {
    rule: "D18",
    name: "a schedule's step is taken by each who saw it, and its event has a new id each time",
    // Of several that see a step, some must come to take it late.
    given: { ...cluster, faults: { ...noFaults, slow: 0.3, slowMs: 500 }, durationMs: 240_000, operations: 30 },
    edits: [
      {
        file: "events/platform-events.ts",
        find: 'const id = derivedEventId("schedule", project, service, time);',
        replace: 'const id = derivedEventId("schedule", project, service, time, String(performance.now()));',
      },
      { file: "catalog/kysely/schedules.ts", find: '    .where("schedule_since", "=", since)\n', replace: "" },
    ],
  },
  {
    rule: "D18",
    name: "a job starts its run each time it is noticed",
    given: { ...cluster, operations: 40 },
    edits: [
      {
        file: "catalog/kysely/jobs.ts",
        find: 'if (row?.status !== "pending") return {',
        replace: "if (row === undefined) return {",
      },
      {
        file: "catalog/kysely/run-requests.ts",
        find: "if (request.numInsertedOrUpdatedRows === 0n) {",
        replace: "if (request.numInsertedOrUpdatedRows === 7n) {",
      },
      {
        file: "catalog/kysely/new-executions.ts",
        find: 'conflict.columns(["event_key", "link_id"]).where("retry_of", "is", null).doNothing()',
        replace: 'conflict.column("id").doNothing()',
      },
    ],
  },
  {
    rule: "D19",
    name: "a link matches the events of another project",
    edits: [
      {
        file: "services/link-index.ts",
        find: "if (event.fxproject !== undefined && event.fxproject !== link.project) continue;",
        replace: "",
      },
    ],
  },
  {
    rule: "D20",
    name: "two transactions share one connection",
    edits: [
      {
        file: "catalog/dialects/sqlite.ts",
        find: "createAdapter: () => new SqliteAdapter(),",
        replace:
          'createAdapter: () => Object.defineProperty(new SqliteAdapter(), "supportsMultipleConnections", { value: true }),',
      },
    ],
  },
];
