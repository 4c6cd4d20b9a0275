import type { Bus, NewRecord } from "../../bus/bus.ts";
import type { Catalog } from "../../catalog/catalog.ts";
import { encodeRecord } from "../../events/bus-binding.ts";
import type { CloudEvent } from "../../events/cloud-event.ts";
import { derivedEventId, eventDigestOf, eventKeyOf } from "../../events/event-key.ts";
import { placeOf } from "../../events/http-binding.ts";
import { isReservedSource } from "../../events/reserved-sources.ts";
import { isReservedType, reservedAttributes } from "../../events/reserved-types.ts";
import { topics } from "../../events/topics.ts";
import type { Clock } from "../../foundation/clock.ts";
import { PlatformError, type Problem } from "../../foundation/errors.ts";
import { GroupCommit } from "../../foundation/group-commit.ts";
import type { EventKey } from "../../foundation/ids.ts";
import { endOfTurn } from "../../foundation/turn.ts";
import { RecentEvents } from "./recent-events.ts";

export interface IntakeParts {
  bus: Bus;
  catalog: Pick<Catalog, "ledger" | "projects" | "failure">;
  clock: Clock;
  limits: { eventBytes: number };
}

export interface AcceptedEvent {
  key: EventKey;
  id: string;
  source: string;
  /** A hint (rule D16): the ledger decides. */
  duplicate: boolean;
  /** True when what is known under this key says something else. */
  differs: boolean;
}

interface Prepared {
  key: EventKey;
  event: CloudEvent;
  record: NewRecord;
}

/** Requests that share one look into the ledger. */
const maxRequestsPerLook = 50;
/**
 * Larger requests are compared with the recent events only: a look for each of a thousand keys, spread
 * over all of history, would cost more than storing them, for a hint.
 */
const maxLookedUp = 10;

/** Takes events from outside onto the backbone: all of a request or, when one of them is refused, none (rule D16). */
export class EventIntake {
  readonly #parts: IntakeParts;
  readonly recent = new RecentEvents({ maxCount: 10_000, maxBytes: 32 * 1024 * 1024 });
  /** One look into the ledger for all requests that wait at the same time. */
  readonly #looks: GroupCommit<readonly EventKey[], Map<EventKey, string>>;
  #acceptedCount = 0;

  constructor(parts: IntakeParts) {
    this.#parts = parts;
    this.#looks = new GroupCommit(
      async (requests) => {
        const digests = await parts.catalog.ledger.digests(requests.flat());
        return requests.map(() => digests);
      },
      maxRequestsPerLook,
      endOfTurn,
    );
  }

  get acceptedCount(): number {
    return this.#acceptedCount;
  }

  /**
   * Resolves once all are durable. Throws `forbidden` for what is the platform's own, `invalid-input`
   * for an unknown project, `limit-exceeded` for an event that is too large; `unavailable` from the
   * bus leaves open which were stored: sending again is safe. `unavailable` from the catalog: none, since nothing would come of them.
   */
  async accept(events: readonly { event: CloudEvent; json: string | undefined }[]): Promise<AcceptedEvent[]> {
    const failure = this.#parts.catalog.failure?.();
    if (failure) throw failure;
    const batched = events.length > 1;
    refuseReserved(events, batched);
    await this.#requireProjects(events, batched);
    const now = this.#parts.clock.now();
    const time = new Date(now).toISOString();
    const prepared = events.map(({ event, json }, index) =>
      this.#prepare(event, json, time, batched ? index : undefined),
    );
    const former = await this.#formerDigests(prepared);
    await this.#parts.bus.publish(prepared.map(({ record }) => record));
    this.#acceptedCount += prepared.length;
    return prepared.map(({ key, event, record }, index) => {
      const known = former[index];
      if (known === undefined) this.recent.add(key, { body: record.value, acceptedAt: now });
      const duplicate = known !== undefined;
      return {
        key,
        id: event.id,
        source: event.source,
        duplicate,
        differs: duplicate && known !== eventDigestOf(event),
      };
    });
  }

  #prepare(event: CloudEvent, json: string | undefined, time: string, index: number | undefined): Prepared {
    const key = eventKeyOf(event);
    const body = Buffer.from(complete(event, json, key, time));
    const { eventBytes } = this.#parts.limits;
    if (body.length > eventBytes) {
      const which = index === undefined ? "the event" : `event ${index}`;
      throw new PlatformError(
        "limit-exceeded",
        `${which} is too large: ${body.length} bytes as JSON, at most ${eventBytes} are allowed (setting limits.eventBytes)`,
      );
    }
    return { key, event, record: encodeRecord(topics.events, event, body) };
  }

  /** What was said before under each key: in this request, lately in this process, or in the ledger. */
  async #formerDigests(prepared: readonly Prepared[]): Promise<(string | undefined)[]> {
    const earlier = new Map<EventKey, CloudEvent>();
    const unknown: EventKey[] = [];
    const former = prepared.map(({ key, event }) => {
      const before = earlier.get(key);
      if (before !== undefined) return eventDigestOf(before);
      earlier.set(key, event);
      const recent = this.recent.digestOf(key);
      if (recent === undefined) unknown.push(key);
      return recent;
    });
    if (unknown.length === 0 || prepared.length > maxLookedUp) return former;
    const digests = await this.#looks.add(unknown);
    return digests.size === 0
      ? former
      : former.map((digest, index) => digest ?? digests.get((prepared[index] as Prepared).key));
  }

  async #requireProjects(events: readonly { event: CloudEvent }[], batched: boolean): Promise<void> {
    const named = new Set<string>();
    for (const { event } of events) if (event.fxproject !== undefined) named.add(event.fxproject);
    if (named.size === 0) return;
    const { projects } = this.#parts.catalog;
    const missing = new Set<string>();
    for (const name of named) if ((await projects.get(name)) === undefined) missing.add(name);
    if (missing.size === 0) return;
    const problems = events.flatMap(({ event }, index) =>
      event.fxproject !== undefined && missing.has(event.fxproject)
        ? [{ path: place(index, "fxproject", batched), message: `there is no project "${event.fxproject}"` }]
        : [],
    );
    throw new PlatformError("invalid-input", textOf(problems), { problems });
  }
}

function refuseReserved(events: readonly { event: CloudEvent }[], batched: boolean): void {
  const problems: Problem[] = [];
  for (const [index, { event }] of events.entries()) {
    if (isReservedType(event.type)) {
      const message = `"${event.type}" is reserved: only the platform sends types under "fx."`;
      problems.push({ path: place(index, "type", batched), message });
    }
    if (isReservedSource(event.source)) {
      const message = `"${event.source}" is a source of the platform's own: name who sends the event, e.g. "/shop"`;
      problems.push({ path: place(index, "source", batched), message });
    }
    for (const attribute of reservedAttributes) {
      if (event[attribute] === undefined) continue;
      problems.push({ path: place(index, attribute, batched), message: "is set by the platform only: leave it out" });
    }
  }
  if (problems.length > 0) throw new PlatformError("forbidden", textOf(problems), { problems });
}

function place(index: number, attribute: string, batched: boolean): string {
  return batched ? placeOf(index, attribute) : attribute;
}

function textOf(problems: readonly Problem[]): string {
  return problems.map(({ path, message }) => `${path} ${message}`).join("; ");
}

/**
 * Gives the event a flow and a time where it has none, and answers its JSON. The flow derives from
 * the event, so that sending it again is the same flow. JSON that was sent is kept, with the new
 * attributes before its last brace: what may be megabytes is not written again.
 */
function complete(event: CloudEvent, json: string | undefined, key: EventKey, time: string): string {
  let added = "";
  let rewritten = json === undefined;
  if (event.correlationid === undefined) {
    // A name that stands in the text already must not be there twice.
    rewritten ||= event.sequence !== undefined;
    event.correlationid = derivedEventId("flow", key);
    event.sequence = "0";
    added = `,"correlationid":"${event.correlationid}","sequence":"0"`;
  }
  if (event.time === undefined) {
    event.time = time;
    added += `,"time":"${time}"`;
  }
  if (rewritten || json === undefined) return JSON.stringify(event);
  return added === "" ? json : `${json.slice(0, json.lastIndexOf("}"))}${added}}`;
}
