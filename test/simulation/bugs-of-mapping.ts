// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the texts are source code with templates of its own.
import type { PlantedBug } from "./planted-bug.ts";
import { embedded, rough } from "./planted-worlds.ts";

const made = "events/mapped-event.ts";
const routing = "catalog/kysely/routing.ts";
const index = "services/mapping-index.ts";
/** Much is mapped. */
const busy = { ...embedded, operations: 30, durationMs: 20_000 };

/** What breaks the way of an event through mappings: rules D1, D2, D3, D14 and D19. */
export const bugsOfMapping: readonly PlantedBug[] = [
  {
    rule: "D1",
    name: "the id of a mapped event does not derive from its source",
    edits: [
      { file: made, find: 'derivedEventId("mapped", from.key, id)', replace: 'derivedEventId("mapped", event.id, id)' },
    ],
  },
  {
    rule: "D1",
    name: "what a mapping makes is not sent",
    edits: [{ file: routing, find: "return decision.mapped.map(({ event }) => event);", replace: "return [];" }],
  },
  {
    rule: "D2",
    name: "a mapped event is routed twice",
    edits: [
      {
        file: routing,
        find: "return decision.mapped.map(({ event }) => event);",
        replace: "return decision.mapped.flatMap(({ event }) => [event, { ...event, id: `${event.id}-again` }]);",
      },
    ],
  },
  {
    rule: "D2",
    name: "an event whose row another has written is mapped again, under another id",
    given: rough,
    edits: [
      {
        file: "catalog/kysely/routing-facts.ts",
        find: "const digests = await readDigests(context, tx, keys);",
        replace: "const digests = new Map<EventKey, string>();",
      },
      { file: routing, find: "won.flatMap(eventsOf)", replace: "stored.flatMap(eventsOf)" },
      {
        file: made,
        find: 'derivedEventId("mapped", from.key, id)',
        replace: 'derivedEventId("mapped", from.key, id, String(from.now))',
      },
    ],
  },
  {
    rule: "D3",
    name: "the mark of a mapping is believed from outside",
    given: busy,
    edits: [
      {
        file: "router/decide.ts",
        find: "if (claimed !== undefined) return reject(",
        replace: 'if (claimed !== undefined && event.id === "") return reject(',
      },
    ],
  },
  {
    rule: "D14",
    name: "a mapping does not count as a hop",
    edits: [{ file: made, find: "sequence: String(from.sequence + 1),", replace: "sequence: String(from.sequence)," }],
  },
  {
    rule: "D14",
    name: "mapped events do not count for the budget of their flow",
    given: { ...busy, limits: { hops: 100, flowExecutions: 3 } },
    edits: [
      { file: routing, find: "if (mapped.length > 0) await countInFlows(tx, mapped, now);", replace: "" },
      {
        file: "router/decide.ts",
        find: "before + starting > limits.flowExecutions &&",
        replace: "before + matches.length > limits.flowExecutions &&",
      },
      {
        file: "router/decide.ts",
        find: "started.set(flow, before + starting);",
        replace: "started.set(flow, before + matches.length);",
      },
    ],
  },
  {
    rule: "D14",
    name: "a mapped event leaves the budget of its flow behind",
    given: { ...busy, limits: { hops: 100, flowExecutions: 3 } },
    edits: [{ file: made, find: "fxrootflow: from.rootFlow,", replace: "fxrootflow: from.key," }],
  },
  {
    rule: "D14",
    name: "a run that an execution event starts by way of a mapping starts others",
    given: { ...busy, limits: { hops: 5, flowExecutions: 8 } },
    edits: [{ file: made, find: "...(from.lifecycle ? { fxlifecycle: true } : {}),", replace: "" }],
  },
  {
    rule: "D19",
    name: "a project's mapping sees another's events",
    edits: [
      {
        file: index,
        find: "if (event.fxproject !== undefined && mapping.project !== undefined && event.fxproject !== mapping.project)\n        continue;",
        replace: "",
      },
    ],
  },
  {
    rule: "D19",
    name: "what a project's mapping makes is everybody's",
    edits: [
      { file: made, find: "const fxproject = event.fxproject ?? project;", replace: "const { fxproject } = event;" },
    ],
  },
];
