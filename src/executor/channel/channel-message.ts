import type { ErrorCode } from "../../foundation/errors.ts";
import type { Json, JsonObject } from "../../foundation/json.ts";
import type { LimitName } from "../../services/run-limits.ts";
import type { LogLevel, SecretScope, StepContext } from "../step-runner.ts";

/**
 * The private channel's words, spoken by the SDKs in sdk/. Each is one frame of JSON (UTF-8).
 * The script says `Hello`, is told `Welcome`, then asks; every ask with an `id` is answered once,
 * in any order.
 */
export interface Hello {
  nonce: string;
  /**
   * It can wait for its run here, and not work here. It says one word more when it is ready, and is told the nonce for another connection,
   * as `Called`, when the run is there.
   */
  waits?: true;
}

export interface Called {
  nonce: string;
}

export interface Welcome {
  context: StepContext;
  /** Absolute path of the service's directory. */
  directory: string;
  /** JSON of the parameters and the service's name: the script's first argument, or what it reads on stdin. */
  argument: string;
}

export function welcomeTo(context: StepContext, directory: string): Welcome {
  const { params, service } = context;
  const argument = JSON.stringify({ ...params, service_name: service.name, package_name: service.name });
  return { context, directory, argument };
}

export type Ask =
  | { id: number; op: "emit"; event: EmitWords }
  | { id: number; op: "getState" }
  | { id: number; op: "putState"; key: string; value: Json }
  /** Answered with the value, or null where there is none. */
  | { id: number; op: "getSecret"; name: string }
  | { id: number; op: "setSecret"; name: string; value: Json; scope: SecretScope }
  | ({ id: number; op: "retryLater" } & RetryWords)
  | { id: number; op: "setResult"; value: Json }
  | { op: "log"; level: LogLevel; message: string }
  /** The script is about to end over an error that a limit of its run has caused. */
  | { op: "overrun"; limit: LimitName }
  /** Modules of the interpreter that the script has imported. A hint, and believed as far as a hint may be. */
  | { op: "imports"; modules: string[] };

/** Answered with `{ jobId, at }`, the time in RFC 3339. Sums of the given units, or the next time of `cron` (in UTC unless it says otherwise). */
export interface RetryWords {
  minutes?: number;
  hours?: number;
  days?: number;
  cron?: string;
  timezone?: string;
  /** Of the later run, over the data of the event that started this one. */
  parameters?: JsonObject;
}

export interface EmitWords {
  type: string;
  source?: string;
  subject?: string;
  data?: Json;
  id?: string;
  correlationId?: string;
}

export type Answer =
  | { id: number; value: Json | JsonObject }
  | { id: number; error: { code: ErrorCode; message: string } };

/** What an SDK refuses to send, with an error in the script: the JSON of one event or value. The SDKs hold the same number. */
export const maxValueBytes = 4 * 1024 * 1024;
/** A longer frame is no SDK's: the channel is closed. Leaves room for the words around a value. */
export const maxAskBytes = maxValueBytes + 256 * 1024;
export const maxHelloBytes = 1024;
