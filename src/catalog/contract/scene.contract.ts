import type { ManualClock } from "../../../test/support/manual-clock.ts";
import type { CloudEvent } from "../../events/cloud-event.ts";
import { eventKeyOf } from "../../events/event-key.ts";
import { topics } from "../../events/topics.ts";
import type { Step } from "../../executions/execution.ts";
import { lanes } from "../../executions/lanes.ts";
import type { EventKey, ExecutionId, Ids, InstanceId, VersionId } from "../../foundation/ids.ts";
import type { Json } from "../../foundation/json.ts";
import { manifestSchema } from "../../services/manifest.ts";
import { RoutingIndex } from "../../services/routing-index.ts";
import type { Catalog } from "../catalog.ts";
import type { AttemptReport, ClaimedExecution, ClaimRequest } from "../leases.ts";
import {
  type IncomingEvent,
  type RoutingBatch,
  type RoutingDecision,
  type RoutingFacts,
  type RoutingResult,
  rootFlowOf,
} from "../routing.ts";
import type { RunRequest } from "../run-requests.ts";

export const executor = "executor-1" as InstanceId;
export const minute = 60_000;
export const day = 24 * 60 * minute;

/** A link to `hello` that no manifest asks for. */
export const paidLink = {
  project: "default",
  service: "hello",
  version: "active",
  eventType: "order.paid",
  filter: undefined,
  active: true,
} as const;

/** The code of what the work is refused with, or "done". */
export function codeOf(work: Promise<unknown>): Promise<string> {
  return work.then(
    () => "done",
    ({ code }: { code: string }) => code,
  );
}

/** The words that the contract's tests are written in: a catalog, its clock, and a router that only matches links. */
export class Scene {
  readonly catalog: Catalog;
  readonly clock: ManualClock;
  readonly ids: Ids;
  #offset = 0;
  #index = new RoutingIndex({ epoch: -1, links: [], mappings: [] });

  constructor(catalog: Catalog, clock: ManualClock, ids: Ids) {
    this.catalog = catalog;
    this.clock = clock;
    this.ids = ids;
  }

  /** The same places and numbers over a catalog that was opened anew. */
  over(catalog: Catalog): Scene {
    const scene = new Scene(catalog, this.clock, this.ids);
    scene.#offset = this.#offset;
    return scene;
  }

  newExecutionId(): ExecutionId {
    return this.ids.next() as ExecutionId;
  }

  /** Deploys a version with the content `id`; `hello` listens to `order.placed` unless told otherwise. */
  deploy(name = "hello", manifest: Record<string, Json> = {}, { project = "default", id = `${name}-1` } = {}) {
    return this.catalog.services.deploy({
      id: id as VersionId,
      project,
      name,
      manifest: manifestSchema.parse({ trigger_events: ["order.placed"], ...manifest }),
      scripts: ["main.py"],
      files: [{ path: "main.py", sizeBytes: 5, hash: `hash-${id}` }],
      warnings: [],
    });
  }

  event(attributes: Partial<CloudEvent> = {}): CloudEvent {
    const id = this.ids.next();
    return {
      specversion: "1.0",
      id,
      source: "/shop",
      type: "order.placed",
      correlationid: `flow-${id}`,
      ...attributes,
    };
  }

  /** What asks for a run of `hello` by hand unless told otherwise. */
  runRequest(event: CloudEvent, change: Partial<RunRequest> = {}): RunRequest {
    return {
      id: this.newExecutionId(),
      key: eventKeyOf(event),
      event,
      trigger: "manual",
      project: "default",
      service: "hello",
      version: "hello-1" as VersionId,
      priority: 5,
      concurrencyKey: undefined,
      ...change,
    };
  }

  incoming(
    event: CloudEvent,
    place: Partial<Pick<IncomingEvent, "topic" | "partition" | "offset">> = {},
  ): IncomingEvent {
    return {
      key: eventKeyOf(event),
      event,
      body: Buffer.from(JSON.stringify(event)),
      topic: topics.events,
      partition: 0,
      offset: place.offset ?? this.#offset++,
      receivedAt: this.clock.now(),
      ...place,
    };
  }

  /** A batch at the next offsets; its index is as old as the last batch's. */
  batch(events: readonly IncomingEvent[]): RoutingBatch {
    const positions = new Map<string, { topic: string; partition: number; offset: number }>();
    for (const { topic, partition, offset } of events) {
      positions.set(`${topic} ${partition}`, { topic, partition, offset: offset + 1 });
    }
    return { events: [...events], positions: [...positions.values()], linkEpoch: this.#index.epoch };
  }

  /** Routes events by the links there are. */
  async route(...events: CloudEvent[]): Promise<RoutingResult> {
    return this.routeBatch(this.batch(events.map((event) => this.incoming(event))));
  }

  routeBatch(batch: RoutingBatch): Promise<RoutingResult> {
    return this.catalog.routing.route(batch, (facts) => this.decide(batch.events, facts));
  }

  decide(events: readonly IncomingEvent[], facts: RoutingFacts): RoutingDecision[] {
    if (facts.newer) this.#index = new RoutingIndex(facts.newer);
    return events.flatMap((incoming): RoutingDecision[] => {
      const key = facts.differing.get(incoming);
      if (key !== undefined) {
        const reason = "its id names another event";
        return [{ outcome: "rejected", key, reason, sequence: 0, verdicts: [], notice: undefined }];
      }
      return facts.known.has(incoming.key) ? [] : [this.#decideOne(incoming, facts)];
    });
  }

  #decideOne(incoming: IncomingEvent, facts: RoutingFacts): RoutingDecision {
    const { key, event } = incoming;
    const sequence = Number(event.sequence ?? 0);
    if (event.type === "poison") {
      return { outcome: "rejected", key, reason: "it is poison", sequence, verdicts: [], notice: undefined };
    }
    if (event.type === "nobody.cares") return { outcome: "counted", key };
    const { matches, misses } = this.#index.links.match(event);
    const rootFlow = rootFlowOf(incoming, facts.causes);
    const from = { key, sequence, rootFlow, lifecycle: false, now: facts.now };
    const { made, misses: unmapped } = this.#index.mappings.map(event, from);
    const requested = facts.runRequests.get(key);
    const matched = matches.length + made.length > 0 || requested !== undefined;
    return {
      outcome: matched ? "matched" : "unmatched",
      key,
      reason: matched ? undefined : "no link matched",
      sequence,
      verdicts: [
        ...matches.map(({ link: { id, project, service } }) => {
          return { linkId: id, project, service, matched: true, reason: undefined };
        }),
        ...misses,
      ],
      starts: matches.map(({ link, version, concurrencyKey }) => ({
        id: this.newExecutionId(),
        linkId: link.id,
        project: link.project,
        service: link.service,
        version,
        priority: link.target.priority,
        concurrencyKey,
        sequence,
        startedByLifecycle: event.type.startsWith("fx.execution."),
        rootFlow,
      })),
      mapped: made,
      mappingMisses: unmapped,
      rootFlow,
      requested,
    };
  }

  /** Routes one event and answers the only execution it started. */
  async start(attributes: Partial<CloudEvent> = {}): Promise<{ id: ExecutionId; event: CloudEvent; key: EventKey }> {
    const event = this.event(attributes);
    await this.route(event);
    const key = eventKeyOf(event);
    const { items } = await this.catalog.executions.list({ eventKey: key }, { limit: 10 });
    const [execution, ...others] = items;
    if (execution === undefined || others.length > 0) throw new Error(`${items.length} executions were started`);
    return { id: execution.id, event, key };
  }

  claim(request: Partial<ClaimRequest> = {}): Promise<ClaimedExecution[]> {
    return this.catalog.leases.claim({ owner: executor, lanes, limit: 10, leaseMs: minute, ...request });
  }

  async claimOne(request: Partial<ClaimRequest> = {}): Promise<ClaimedExecution> {
    const [claimed] = await this.claim({ limit: 1, ...request });
    if (claimed === undefined) throw new Error("nothing was claimable");
    return claimed;
  }

  async finish(claimed: ClaimedExecution, outcome: AttemptReport["outcome"], steps: Step[] = []): Promise<boolean> {
    const { id, lease } = claimed.execution;
    const [answer] = await this.catalog.leases.finish([{ id, token: lease.token, steps, outcome }]);
    return answer?.applied === true;
  }

  async status(id: ExecutionId): Promise<string | undefined> {
    return (await this.catalog.executions.get(id))?.status;
  }

  /** Takes everything out of the outbox. */
  async sent(): Promise<CloudEvent[]> {
    const sent: CloudEvent[] = [];
    await this.catalog.outbox.send(10_000, async (entries) => {
      sent.push(...entries.map(({ event }) => event));
    });
    return sent;
  }
}

export function held({ execution: { id, lease } }: ClaimedExecution): { id: ExecutionId; token: number } {
  return { id, token: lease.token };
}

export function step(n: number, status: Step["status"], changes: Partial<Step> = {}): Step {
  const ended = status !== "in_progress";
  return {
    n,
    script: "main.py",
    attempt: 1,
    status,
    exitCode: ended ? (status === "completed" ? 0 : 1) : undefined,
    startedAt: 1000,
    finishedAt: ended ? 2000 : undefined,
    output: { preview: "hello\n", sizeBytes: 6, truncated: false },
    ...changes,
  };
}

export const exitError = { kind: "exit", message: "main.py ended with 1", script: "main.py", exitCode: 1 } as const;
export const failedForGood = { kind: "failed", error: exitError, retryInMs: undefined } as const;
