// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the texts are source code with templates of its own.
import type { PlantedBug } from "./planted-bug.ts";
import { cluster, rough } from "./planted-worlds.ts";

const turns = "catalog/kysely/turns.ts";
/** Much waits: services are at their limits, and are left again. */
const crowded = { operations: 30, durationMs: 20_000, slots: 4 };

/** What breaks the limits of services, or lets a run wait for ever behind one: rules D1 and D4. */
export const bugsOfScheduling: readonly PlantedBug[] = [
  {
    rule: "D4",
    name: "each claim counts only what it claims itself against the concurrency of a service",
    given: { ...cluster, ...crowded },
    edits: [
      {
        file: "catalog/kysely/turn-room.ts",
        find: "service.concurrency - (await countRunning(context, tx, service))",
        replace: "service.concurrency - 0 * (await countRunning(context, tx, service))",
      },
    ],
  },
  {
    rule: "D4",
    name: "a run that ends leaves its place to nobody",
    given: crowded,
    edits: [
      {
        file: turns,
        find: "if (full.length > 0 && (await giveTurn(",
        replace: "if (full.length < 0 && (await giveTurn(",
      },
    ],
  },
  {
    rule: "D4",
    name: "a throttle forgets what earlier claims started",
    given: { ...crowded, databaseClockJumps: false },
    edits: [
      {
        file: "catalog/kysely/throttle.ts",
        find: "rows.filter(({ at }) => at <= now && at > now - periodMs)",
        replace: "rows.filter(({ at }) => at === now && at > now - periodMs)",
      },
    ],
  },
  {
    rule: "D4",
    name: "a throttle that shut does not open again",
    given: crowded,
    edits: [
      {
        file: turns,
        find: "state = 3 and (opens_at <= ${now} or opens_at > ${now} + coalesce(${periodMs}, 0))",
        replace: "state = 3 and opens_at <= ${now - 1e12}",
      },
    ],
  },
  {
    rule: "D4",
    name: "a run whose wait is over gets no turn",
    given: rough,
    edits: [{ file: "catalog/kysely/claim.ts", find: "await joinTurns(tx, rows);", replace: "" }],
  },
  {
    rule: "D4",
    name: "a run that is moved gets no turn in its new lane",
    given: { ...crowded, operations: 60, pruning: false },
    edits: [
      {
        file: "catalog/kysely/move.ts",
        find: "if (row.gate === gates.ready) await joinTurns(tx, [moved]);",
        replace: "if (row.gate === gates.blocked) await joinTurns(tx, [moved]);",
      },
    ],
  },
  {
    rule: "D4",
    name: "what begins beside the slots is of whoever holds them",
    given: { ...crowded, slots: 1, reliefSlots: 1 },
    edits: [
      {
        file: "catalog/kysely/claim.ts",
        find: "passed: new Set(request.except?.map(nameOf))",
        replace: "passed: new Set<string>()",
      },
    ],
  },
  {
    rule: "D4",
    name: "who has all slots has those beside them as well",
    given: { ...crowded, slots: 1, reliefSlots: 1 },
    edits: [{ file: "executor/executor.ts", find: "except: this.#slots.users", replace: "except: []" }],
  },
  {
    rule: "S2",
    name: "a place that is taken is given to the next one, too",
    given: crowded,
    edits: [{ file: "executor/slots.ts", find: "this.#unused.pop()", replace: "this.#unused.at(-1)" }],
  },
  {
    rule: "D1",
    name: "what a full queue skips is not told",
    given: crowded,
    edits: [
      {
        file: "catalog/kysely/end-pending.ts",
        find: "ended.filter(isAnnounced).map(",
        replace: "ended.filter((row) => isAnnounced(row) && row.skip_reason === null).map(",
      },
    ],
  },
];
