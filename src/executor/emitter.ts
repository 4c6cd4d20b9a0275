import type { Bus, NewRecord } from "../bus/bus.ts";
import { encodeRecord } from "../events/bus-binding.ts";
import { type CloudEvent, cloudEventSchema, maxEventBytes } from "../events/cloud-event.ts";
import { derivedEventId, eventDigestOf, eventKeyOf } from "../events/event-key.ts";
import { isReservedSource } from "../events/reserved-sources.ts";
import { isReservedType } from "../events/reserved-types.ts";
import { topics } from "../events/topics.ts";
import type { ExecutionFacts } from "../executions/execution.ts";
import type { Clock } from "../foundation/clock.ts";
import { isPlatformError, PlatformError } from "../foundation/errors.ts";
import { GroupCommit } from "../foundation/group-commit.ts";
import type { EventKey } from "../foundation/ids.ts";
import { canonicalJson } from "../foundation/json.ts";
import { schemaWords } from "../foundation/schema-words.ts";
import type { Insist } from "./patience.ts";
import type { EmitRequest } from "./step-runner.ts";

export interface EmitterParts {
  bus: Bus;
  clock: Clock;
  insist: Insist;
}

interface Sent {
  refusal?: unknown;
}

/** Events of one attempt that are published together. */
const maxTogether = 64;

/**
 * Sends the events of one attempt, in the order they were asked for, each with the trigger's correlation and an id derived from
 * its content.
 */
export class Emitter {
  readonly #parts: EmitterParts;
  readonly #execution: ExecutionFacts;
  readonly #trigger: CloudEvent;
  readonly #occurrences = new Map<string, number>();
  /** What was sent under ids that the scripts gave. */
  readonly #ownIds = new Map<EventKey, { type: string; digest: string }>();
  /** One publish after the other: none overtakes one that has to be sent again. */
  readonly #sending: GroupCommit<NewRecord, Sent>;

  constructor(parts: EmitterParts, execution: ExecutionFacts, trigger: CloudEvent) {
    this.#parts = parts;
    this.#execution = execution;
    this.#trigger = trigger;
    this.#sending = new GroupCommit((records) => this.#publish(records), maxTogether);
  }

  /** Resolves with the event's id once it is durable. Throws as `make`. */
  async emit(step: number, request: EmitRequest): Promise<{ id: string }> {
    const { event, record } = this.make(step, request);
    try {
      const { refusal } = await this.#sending.add(record);
      if (refusal !== undefined) throw refusal;
    } catch (error) {
      // What was not sent has not used its id.
      if (request.id !== undefined) this.#ownIds.delete(eventKeyOf(event));
      throw error;
    }
    return { id: event.id };
  }

  /** What refuses one record does not refuse the others. */
  async #publish(records: NewRecord[]): Promise<Sent[]> {
    const { bus, insist } = this.#parts;
    try {
      await insist(() => bus.publish(records));
      return records.map(() => ({}));
    } catch (error) {
      if (records.length === 1 || !isPlatformError(error) || error.retryable) throw error;
      const sent: Sent[] = [];
      for (const record of records) {
        sent.push(
          await insist(() => bus.publish([record])).then(
            () => ({}),
            (refusal: unknown) => ({ refusal }),
          ),
        );
      }
      return sent;
    }
  }

  /**
   * The event that `emit` would send, and its record. Throws `forbidden` for reserved types,
   * `invalid-input` for what is no CloudEvent, `limit-exceeded` for more than 4 MiB, `conflict` for another
   * event under an id that this attempt has given already.
   */
  make(step: number, request: EmitRequest): { event: CloudEvent; record: ReturnType<typeof encodeRecord> } {
    const { clock } = this.#parts;
    const execution = this.#execution;
    if (isReservedType(request.type)) {
      throw new PlatformError("forbidden", `type "${request.type}" is reserved: choose one outside "fx."`);
    }
    const ownSource = `/projects/${execution.project}/services/${execution.service}`;
    if (request.source !== undefined && request.source !== ownSource && isReservedSource(request.source)) {
      throw new PlatformError(
        "forbidden",
        `source "${request.source}" is the platform's own: leave it out, or name one such as "/shop"`,
      );
    }
    const event: CloudEvent = {
      specversion: "1.0",
      id: request.id ?? this.#derivedId(step, request),
      source: request.source ?? ownSource,
      type: request.type,
      ...(request.subject === undefined ? {} : { subject: request.subject }),
      time: new Date(clock.now()).toISOString(),
      ...(request.data === undefined ? {} : { datacontenttype: "application/json", data: request.data }),
      correlationid: request.correlationId ?? execution.correlationId,
      causationid: execution.eventId,
      sequence: String(execution.sequence + 1),
      ...(this.#trigger.traceparent === undefined ? {} : { traceparent: this.#trigger.traceparent }),
      fxproject: execution.project,
      fxexecution: execution.id,
    };
    const parsed = cloudEventSchema.safeParse(event, { error: schemaWords });
    if (!parsed.success) {
      const problems = parsed.error.issues.map(({ path, message }) => ({ path: path.join("."), message }));
      const text = problems.map(({ path, message }) => `${path} ${message}`).join("; ");
      throw new PlatformError("invalid-input", `the event is not a valid CloudEvent: ${text}`, { problems });
    }
    const record = encodeRecord(topics.events, event);
    if (record.value.length > maxEventBytes) {
      const found = `${record.value.length} bytes`;
      throw new PlatformError(
        "limit-exceeded",
        `the event is too large: ${found}, at most ${maxEventBytes} are allowed`,
      );
    }
    if (request.id !== undefined) this.#useOwnId(event);
    return { event, record };
  }

  /** Rule D10. What earlier attempts and other runs have sent under the id is known to the router, which tells it in the ledger. */
  #useOwnId(event: CloudEvent): void {
    const key = eventKeyOf(event);
    const digest = eventDigestOf(event);
    const former = this.#ownIds.get(key);
    if (former === undefined) this.#ownIds.set(key, { type: event.type, digest });
    if (former === undefined || former.digest === digest) return;
    const what =
      former.type === event.type ? `"${event.type}" was sent with other content` : `"${former.type}" was sent`;
    throw new PlatformError(
      "conflict",
      `the id "${event.id}" names another event of this run: ${what} under it; an id names one event, so give "${event.type}" an id of its own, or none`,
    );
  }

  /** Rule D10: a retried attempt that emits the same collapses with the first; a different one passes. */
  #derivedId(step: number, request: EmitRequest): string {
    const content = canonicalJson([step, request.type, request.source, request.subject, request.data]);
    const occurrence = this.#occurrences.get(content) ?? 0;
    this.#occurrences.set(content, occurrence + 1);
    return derivedEventId("emitted", this.#execution.id, content, String(occurrence));
  }
}
