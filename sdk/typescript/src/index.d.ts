/** Anything that JSON can hold. */
export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

/** A CloudEvent 1.0 in its JSON form, extension attributes included. */
export interface CloudEvent {
  specversion: "1.0";
  id: string;
  source: string;
  type: string;
  subject?: string;
  time?: string;
  datacontenttype?: string;
  dataschema?: string;
  data?: Json;
  data_base64?: string;
  [extension: string]: unknown;
}

export type LogLevel = "debug" | "info" | "warning" | "error" | "critical";

/** Named values, fixed for the run. */
export interface Values {
  /** The value, else `fallback`, else undefined. */
  get<Value = Json>(name: string): Value | undefined;
  get<Value = Json>(name: string, fallback: Value): Value;
  has(name: string): boolean;
  /** A copy of all of them. */
  all(): Record<string, Json>;
}

export interface EmitOptions {
  source?: string;
  subject?: string;
  /**
   * The event's own id; else one that is the same when the same run emits the same again. It names one event of its source:
   * another one under it is refused with `conflict` in the run that has sent the first, else rejected in the ledger.
   */
  id?: string;
  correlationId?: string;
}

export interface Events {
  /**
   * Emits an event; resolves with its id once it is durable, rejects with FxError when it is refused. It
   * leaves at once: it arrives even if nobody waits for it.
   *
   * `data` is the event's data whatever it looks like, at most 4 MiB of JSON; undefined for an event without data but with options.
   */
  send(type: string, data?: Json, options?: EmitOptions): Promise<string>;
}

/** Values that outlive the run; one set for each service. */
export interface State {
  get(): Promise<Record<string, Json>>;
  get<Value = Json>(key: string): Promise<Value | undefined>;
  /** Resolves once the value is durable. It stays when the run fails later, and the next attempt finds it. */
  put(key: string, value: Json): Promise<void>;
}

/** Where a secret is kept. Looked up in this order. */
export type SecretScope = "service" | "project" | "platform";

export interface Secrets {
  /** The secret as it was stored, a string or an object; else `fallback`, else undefined. */
  get<Value extends Json = string>(name: string): Promise<Value | undefined>;
  get<Value extends Json = string>(name: string, fallback: Value): Promise<Value>;
  /** Stores a secret, any JSON value but null, for later runs. `forbidden` where the service may not write to the scope. */
  set(name: string, value: Json, scope: SecretScope): Promise<void>;
}

/** The sum of the amounts from now, or the next time of `cronExpression`, which wins over them. */
export interface RetryTime {
  minutes?: number;
  hours?: number;
  days?: number;
  cronExpression?: string;
  /** Of the expression: an IANA name; UTC unless given. */
  timezone?: string;
  /** What they name goes over this run's parameters. */
  parameters?: { [name: string]: Json };
}

export interface Scheduler {
  /** Runs the service again later, with this run's parameters. Resolves with the job's id. Another call takes the place of the first. */
  retry(when: RetryTime): Promise<string>;
}

/** Structured log lines of this run. Values other than strings are shown as `console.log` shows them. */
export interface Logging {
  debug(...values: unknown[]): void;
  info(...values: unknown[]): void;
  warning(...values: unknown[]): void;
  error(...values: unknown[]): void;
  critical(...values: unknown[]): void;
  /** Drops lines below `level`. */
  setLevel(level: LogLevel): void;
}

export interface Named {
  readonly name: string;
  readonly id: string;
}

export interface Execution {
  readonly id: string;
  /** From 1. */
  readonly attempt: number;
  /** From 1. */
  readonly step: number;
  /** Whether it is run again to compare. Events, state and the like go nowhere then; what a script does by itself is done. */
  readonly replay: boolean;
  /**
   * Of a replay: the id of the execution that is run again, else null. `original ?? id` is the same in a run and in each replay of
   * it: a key for other systems, which must not do twice what they have done.
   */
  readonly original: string | null;
}

export interface Context {
  /** The trigger event's data; also `process.argv[2]`, as JSON. */
  readonly params: Values;
  /** The service's configuration. */
  readonly config: Values;
  readonly secrets: Secrets;
  readonly state: State;
  readonly events: Events;
  readonly scheduler: Scheduler;
  readonly logging: Logging;
  /** The same as `service`. */
  readonly package: Named;
  readonly service: Named;
  readonly execution: Execution;
  /** The whole event that started the run. */
  readonly event: CloudEvent;
  /** What the nearest step before offered with `result`; null where none did. */
  readonly previous: Json;
  /** Offers a value, at most 4 MiB of JSON, to the next step as its `previous`. The last one counts. */
  result(value: Json): Promise<void>;
}

/** The platform refused what the script asked for. */
export class FxError extends Error {
  /** invalid-input, not-found, conflict, forbidden, limit-exceeded, unavailable, timeout, lease-lost or corrupt. */
  readonly code: string;
}

/** What this run sees. Exists in scripts that the platform has started, and everywhere with EF_ENV=local. */
export const context: Context;

/** The parameter `name` of this run, else `fallback`. Knows `service_name`, `package_name` and `package_id` as well. */
export function getParam<Value = Json>(name: string): Value | undefined;
export function getParam<Value = Json>(name: string, fallback: Value): Value;

/** The secret `name`, as `context.secrets.get` finds it, else `fallback`. */
export function getSecret<Value extends Json = string>(name: string): Promise<Value | undefined>;
export function getSecret<Value extends Json = string>(name: string, fallback: Value): Promise<Value>;
