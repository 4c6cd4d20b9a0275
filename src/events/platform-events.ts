import type { Json, JsonObject } from "../foundation/json.ts";
import type { CloudEvent } from "./cloud-event.ts";
import { derivedEventId } from "./event-key.ts";
import { paramsOf } from "./event-params.ts";
import { platformEventTypes } from "./reserved-types.ts";

export interface RunRequestFacts {
  project: string;
  service: string;
  /** The event's id: the caller's `Idempotency-Key`, so that a repeat is the same event (rule D17), else a fresh one. */
  id: string;
  /** A fresh flow. */
  correlationId: string;
  /** The service's input, carried as it was given. */
  data: Json | undefined;
  /** When it was asked for, milliseconds since the epoch. */
  now: number;
}

/** Asks for a run by name. Counts only together with its catalog row (rule D3). */
export function runRequestedEvent(run: RunRequestFacts): CloudEvent {
  const { project, service, id, correlationId, data, now } = run;
  return {
    specversion: "1.0",
    id,
    source: `/projects/${project}/services/${service}/runs`,
    type: platformEventTypes.runRequested,
    subject: `${project}/${service}`,
    time: new Date(now).toISOString(),
    correlationid: correlationId,
    sequence: "0",
    fxproject: project,
    ...(data === undefined ? {} : { datacontenttype: "application/json", data }),
  };
}

export interface ScheduleTick {
  project: string;
  service: string;
  cron: string;
  timezone: string;
  /** The time the schedule names, milliseconds since the epoch; not when it was noticed. */
  nominal: number;
}

/** Everything in it derives from the schedule and its nominal time: n firing managers make one event (rule D18). */
export function scheduleFiredEvent(tick: ScheduleTick): CloudEvent {
  const { project, service, cron, timezone, nominal } = tick;
  const time = new Date(nominal).toISOString();
  const id = derivedEventId("schedule", project, service, time);
  return {
    specversion: "1.0",
    id,
    source: `/projects/${project}/services/${service}/schedule`,
    type: platformEventTypes.scheduleFired,
    subject: `${project}/${service}`,
    time,
    datacontenttype: "application/json",
    correlationid: derivedEventId("flow", id),
    sequence: "0",
    fxproject: project,
    data: { schedule: cron, timezone, time },
  };
}

/** A run by hand of a scheduled service, which sees what its schedule would send. `id`: the caller's, or a fresh one. */
export function scheduleRunEvent(run: Omit<ScheduleTick, "nominal"> & { id: string; now: number }): CloudEvent {
  const { id, now, ...schedule } = run;
  const { project, service } = run;
  return {
    ...scheduleFiredEvent({ ...schedule, nominal: now }),
    id,
    source: `/projects/${project}/services/${service}/schedule/runs`,
    correlationid: derivedEventId("flow", project, service, id),
  };
}

export interface DueRetry {
  jobId: string;
  project: string;
  service: string;
  /** Flow and step of the execution that asked. */
  correlationId: string;
  sequence: number;
  trigger: CloudEvent;
  /** Over the trigger's own. */
  parameters?: JsonObject | undefined;
  /** When it was asked for, milliseconds since the epoch. */
  now: number;
}

/**
 * Runs a service again with the data of the trigger it had, and the parameters that it asked for. Its id derives from the job, so that
 * any number of schedulers make one run of it (rule D18). It is the same step of the flow as the run
 * that asked: a service that looks again every minute is no chain of events that grows.
 */
export function retryDueEvent(retry: DueRetry): CloudEvent {
  const { jobId, project, service, correlationId, sequence, trigger, parameters, now } = retry;
  return {
    specversion: "1.0",
    id: derivedEventId("retry", jobId),
    source: `/projects/${project}/services/${service}/retries`,
    type: platformEventTypes.retryDue,
    subject: `${project}/${service}`,
    time: new Date(now).toISOString(),
    correlationid: correlationId,
    causationid: trigger.id,
    sequence: String(sequence),
    fxproject: project,
    ...contentOf(trigger, parameters),
  };
}

function contentOf(trigger: CloudEvent, parameters: JsonObject | undefined): Partial<CloudEvent> {
  if (parameters !== undefined) {
    return { datacontenttype: "application/json", data: { ...paramsOf(trigger), ...parameters } };
  }
  const { data, data_base64, datacontenttype } = trigger;
  return {
    ...(datacontenttype === undefined ? {} : { datacontenttype }),
    ...(data === undefined ? {} : { data }),
    ...(data_base64 === undefined ? {} : { data_base64 }),
  };
}
