// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the texts are source code with templates of its own.
import { noFaults } from "./faults.ts";
import type { PlantedBug } from "./planted-bug.ts";
import { cluster, deadly, deaf, embedded, outages, rough, sleepy } from "./planted-worlds.ts";

const leases = "catalog/kysely/leases.ts";
const ends = "catalog/kysely/end-attempts.ts";
const attempt = "executor/attempt.ts";

/** What breaks claiming, running and finishing: rules D4 to D11. */
export const bugsOfRunning: readonly PlantedBug[] = [
  {
    rule: "D4",
    name: "a claim takes what another has claimed",
    given: cluster,
    edits: [
      {
        file: "catalog/kysely/take-turns.ts",
        find: "select seq from executions ${traits.walk(\"executions_ready\")}\n      where status = 'pending' and gate = 0",
        replace: "select seq from executions\n      where status in ('pending', 'in_progress') and gate = 0",
      },
    ],
  },
  {
    rule: "D4",
    name: "what was given back is begun all the same",
    given: { ...cluster, aheadMs: 2000, slots: 1 },
    edits: [
      {
        file: "executor/claimed-ahead.ts",
        find: "this.#waiting.splice(0, count)",
        replace: "this.#waiting.slice(0, count)",
      },
    ],
  },
  {
    rule: "D4",
    name: "idle executors wait for a wake-up that may be lost",
    given: deaf,
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
    rule: "D7",
    name: "output that the backbone does not take at once loses the attempt",
    given: outages,
    edits: [
      {
        file: "executor/log-writer.ts",
        find: "await insist(() => bus.publish(records));",
        replace: "await bus.publish(records);",
      },
    ],
  },
  {
    rule: "D7",
    name: "an event that the backbone does not take at once loses the attempt",
    given: outages,
    edits: [
      {
        file: "executor/emitter.ts",
        find: "await insist(() => bus.publish(records));",
        replace: "await bus.publish(records);",
      },
    ],
  },
  {
    rule: "D8",
    name: "a finish is believed whatever its token",
    // An executor that slept past its lease ends an attempt of which the next is under way.
    given: { ...sleepy, operations: 40 },
    edits: [
      {
        file: leases,
        find: "return row?.token === token ? [{ row, steps, captured, outcome }] : [];",
        replace: "return row !== undefined && token > 0 ? [{ row, steps, captured, outcome }] : [];",
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
    given: sleepy,
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
        find: "await this.#sending.add(record);",
        replace: "void this.#sending.add(record).catch(() => {});",
      },
    ],
  },
  {
    rule: "D9",
    name: "a run completes although an event of it was not taken",
    // What waits for the backbone is given up where its process is shut down.
    given: { ...outages, faults: { ...noFaults, shutdowns: 0.3 }, busOutages: 0.3 },
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
        file: "config-store/sqlite-state.ts",
        find: "where project = ? and service = ? and key = ? and version = ? and deleted = 0 returning version`,",
        replace: "where project = ? and service = ? and key = ? and ? >= 0 and deleted = 0 returning version`,",
      },
    ],
  },
  {
    rule: "D11",
    name: "a put of state is acknowledged before the log has it",
    edits: [
      {
        file: "executor/state-access.ts",
        find: "await bus.publish([record]);",
        replace: "void bus.publish([record]).catch(() => {});",
      },
    ],
  },
  {
    rule: "D11",
    name: "a start does not append what the state log lacks",
    given: { ...deadly, ...embedded, operations: 40, durationMs: 90_000 },
    edits: [
      {
        file: "recovery/state-log.ts",
        find: "if (logged !== undefined && logged.entry.version >= entry.version) continue;",
        replace: 'if (key !== "" || logged !== undefined) continue;',
      },
    ],
  },
];
