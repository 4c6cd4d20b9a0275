// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the texts are source code with templates of its own.
import { drawFaults, noFaults } from "./faults.ts";
import type { WorldOptions } from "./options.ts";
import { SeededRandom } from "./seeded-random.ts";

/** A change of the product's source that breaks a rule. */
export interface PlantedBug {
  /** The rule of the delivery design that it breaks. */
  rule: string;
  name: string;
  edits: readonly Edit[];
  /** What the worlds it is hunted in have in common, so that it is met soon. */
  given?: Partial<WorldOptions>;
}

export interface Edit {
  /** Below src. */
  file: string;
  /** Occurs in the file exactly once: a bug that no longer fits the source must be noticed. */
  find: string;
  replace: string;
}

/** Throws where an edit does not apply exactly once. */
export function plantInto(source: string, edits: readonly Edit[]): string {
  let planted = source;
  for (const { file, find, replace } of edits) {
    const found = planted.split(find).length - 1;
    if (found !== 1) throw new Error(`the planted bug's text occurs ${found} times in ${file}, not once: ${find}`);
    planted = planted.replace(find, () => replace);
  }
  return planted;
}

const cluster: Partial<WorldOptions> = { topology: "cluster", processes: 3, leaseMs: 1500, leaseMarginMs: 300 };
const embedded: Partial<WorldOptions> = { topology: "embedded", processes: 1 };
const rough: Partial<WorldOptions> = {
  faults: {
    ...drawFaults(new SeededRandom(1)),
    refused: 0.08,
    answerLost: 0.08,
    crashes: 0.4,
    pauses: 0.3,
    redeliveries: 0.3,
    signalLost: 0.3,
  },
  durationMs: 20_000,
  operations: 14,
};

const routing = "catalog/kysely/routing.ts";
const facts = "catalog/kysely/routing-facts.ts";
const leases = "catalog/kysely/leases.ts";
const ends = "catalog/kysely/end-attempts.ts";
const attempt = "executor/attempt.ts";
const decide = "router/decide.ts";

/** One or more for each rule. */
export const plantedBugs: readonly PlantedBug[] = [
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
        file: "recovery/outbox-publisher.ts",
        find: "await bus.publish(entries.map(({ topic, event }) => encodeRecord(topic, event)));\n      await outbox.clear(entries.map(({ id }) => id));",
        replace:
          "await outbox.clear(entries.map(({ id }) => id));\n      await bus.publish(entries.map(({ topic, event }) => encodeRecord(topic, event)));",
      },
    ],
  },
  {
    rule: "D1",
    name: "the outbox waits for a signal that may be lost",
    given: { ...embedded, faults: { ...noFaults, signalLost: 1 } },
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
        find: "const known = await readKnownKeys(tx, keys);",
        replace: "const known = new Set<EventKey>();",
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
        find: "result.executions = await insertExecutions(context, tx, won.flatMap(newExecutionsOf), now);",
        replace:
          "if (won.length > 1) result.executions = await insertExecutions(context, tx, won.slice(1).flatMap(newExecutionsOf), now);",
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
    rule: "D4",
    name: "a claim takes what another has claimed",
    given: cluster,
    edits: [
      {
        file: "catalog/kysely/claim.ts",
        find: "select seq from executions ${traits.walk(\"executions_ready\")}\n      where status = 'pending' and gate = 0",
        replace: "select seq from executions\n      where status in ('pending', 'in_progress') and gate = 0",
      },
    ],
  },
  {
    rule: "D4",
    name: "idle executors wait for a wake-up that may be lost",
    given: { ...embedded, faults: { ...noFaults, signalLost: 1 } },
    edits: [
      {
        file: "executor/executor.ts",
        find: 'name: "claim", clock, log, idleMs: pollMs',
        replace: 'name: "claim", clock, log, idleMs: 1e12 + pollMs',
      },
    ],
  },
  {
    rule: "D5",
    name: "a later execution of a concurrency key overtakes the first",
    edits: [
      {
        file: "catalog/kysely/new-executions.ts",
        find: "gate: concurrencyKey === undefined ? gates.ready : gates.blocked",
        replace: "gate: gates.ready",
      },
    ],
  },
  {
    rule: "D5",
    name: "the next of a concurrency key is never let go",
    edits: [
      {
        file: ends,
        find: 'ended.filter(({ end }) => end.status !== "pending").map(({ row }) => row),',
        replace: "[],",
      },
    ],
  },
  {
    rule: "D6",
    name: "an execution that ended can be skipped",
    given: { operations: 40 },
    edits: [
      { file: "catalog/kysely/end-pending.ts", find: '      .where("status", "=", "pending")\n', replace: "" },
      {
        file: "catalog/kysely/executions.ts",
        find: 'if (row.status !== "pending") {',
        replace: "if (row.seq < 0) {",
      },
    ],
  },
  {
    rule: "D7",
    name: "a lost attempt counts as a failure of the script",
    given: { ...rough, ...embedded },
    edits: [
      {
        file: attempt,
        find: "const failures = this.#claimed.execution.attempt - this.#claimed.execution.losses;",
        replace: "const failures = this.#claimed.execution.attempt;",
      },
    ],
  },
  {
    rule: "D7",
    name: "an attempt may be lost for ever",
    given: { ...rough, ...embedded },
    edits: [
      {
        file: "executions/attempt-end.ts",
        find: "if (losses >= lossLimit) {",
        replace: "if (losses >= lossLimit * 100) {",
      },
    ],
  },
  {
    rule: "D7",
    name: "unrepeatable work is repeated",
    given: { ...rough, ...embedded },
    edits: [
      {
        file: ends,
        find: 'onLost: onLost.get(row.version) ?? "retry"',
        replace: 'onLost: (onLost.get(row.version), "retry")',
      },
    ],
  },
  {
    rule: "D8",
    name: "a finish is believed whatever its token",
    given: { ...rough, ...cluster },
    edits: [
      {
        file: leases,
        find: "return row?.token === token ? [{ row, steps, outcome }] : [];",
        replace: "return row !== undefined && token > 0 ? [{ row, steps, outcome }] : [];",
      },
      {
        file: leases,
        find: "new Set(ended.map(({ id, token }) => `${token} ${id}`))",
        replace: "new Set(ended.map(({ id }) => id))",
      },
      {
        file: leases,
        find: "reports.map(({ id, token }) => ({ id, applied: applied.delete(`${token} ${id}`) }))",
        replace: "reports.map(({ id }) => ({ id, applied: applied.delete(id) }))",
      },
    ],
  },
  {
    rule: "D8",
    name: "leases end by another clock than the database's",
    edits: [{ file: leases, find: "lease_until <= ${now}", replace: "lease_until <= ${now + 2000}" }],
  },
  {
    rule: "D8",
    name: "a start leaves the leases of the boot before it",
    given: { ...rough, ...embedded },
    edits: [
      {
        file: leases,
        find: "expired += ended.length;\n        if (ended.length < expireChunk) return expired;",
        replace: "expired += ended.length;\n        return 0 * expired;",
      },
    ],
  },
  {
    rule: "D8",
    name: "scripts outlive the lease of a paused executor",
    given: { ...rough, ...cluster, faults: { ...noFaults, pauses: 0.8 } },
    edits: [
      {
        file: attempt,
        find: "return Math.max(0, this.#aliveUntil - this.#parts.clock.monotonic());",
        replace: "return Math.max(0, this.#aliveUntil - this.#parts.clock.monotonic()) + 60_000;",
      },
    ],
  },
  {
    rule: "D9",
    name: "an event is acknowledged before it is durable",
    edits: [
      {
        file: "executor/emitter.ts",
        find: "await bus.publish([record]);",
        replace: "void bus.publish([record]).catch(() => {});",
      },
    ],
  },
  {
    rule: "D9",
    name: "a run completes although an event of it was not taken",
    given: rough,
    edits: [
      {
        file: attempt,
        find: "if (!isPlatformError(error) || error.retryable) this.#undelivered ??= error;",
        replace: "",
      },
    ],
  },
  {
    rule: "D10",
    name: "a retried attempt sends the same event under another id",
    given: rough,
    edits: [
      {
        file: "executor/emitter.ts",
        find: 'return derivedEventId("emitted", this.#execution.id, content, String(occurrence));',
        replace:
          'return derivedEventId("emitted", this.#execution.id, String(this.#execution.attempt), content, String(occurrence));',
      },
    ],
  },
  {
    rule: "D11",
    name: "state is put without a check of its version",
    given: { ...rough, ...cluster },
    edits: [
      {
        file: "config-store/sqlite.ts",
        find: "where project = ? and service = ? and key = ? and version = ?`,",
        replace: "where project = ? and service = ? and key = ? and ? >= 0`,",
      },
    ],
  },
  {
    rule: "D11",
    name: "a put of state is acknowledged before the log has it",
    edits: [
      {
        file: "executor/state-access.ts",
        find: "await bus.publish([encodeStateRecord(this.#owner, key, stored)]);",
        replace: "void bus.publish([encodeStateRecord(this.#owner, key, stored)]).catch(() => {});",
      },
    ],
  },
  {
    rule: "D11",
    name: "a start does not append what the state log lacks",
    given: { ...rough, ...embedded },
    edits: [
      {
        file: "recovery/state-log.ts",
        find: "if (logged !== undefined && logged.value.version >= value.version) continue;",
        replace: 'if (key !== "" || logged !== undefined) continue;',
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
        find: "if (sequence > limits.hops && !tellsOfRejection) {",
        replace: "if (sequence > 1000 && !tellsOfRejection) {",
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
        find: "before + matches.length > limits.flowExecutions &&",
        replace: "before + matches.length > limits.flowExecutions + 5 &&",
      },
    ],
    given: { limits: { hops: 6, flowExecutions: 3 } },
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
        find: 'if (seen.has(incoming.key)) {\n            countOffset(counts, result, incoming, "duplicate");',
        replace: "if (seen.has(incoming.key)) {",
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
    name: "a schedule's event has a new id each time it is noticed",
    given: { ...cluster, durationMs: 90_000, operations: 30 },
    edits: [
      {
        file: "events/platform-events.ts",
        find: 'const id = derivedEventId("schedule", project, service, time);',
        replace: 'const id = derivedEventId("schedule", project, service, time, String(performance.now()));',
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
