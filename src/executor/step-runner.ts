import type { CloudEvent } from "../events/cloud-event.ts";
import type { ExecutionId } from "../foundation/ids.ts";
import type { Json, JsonObject } from "../foundation/json.ts";
import type { Elsewhere } from "../services/elsewhere.ts";
import type { IsolationLevel, JavaScriptRuntime } from "../services/manifest.ts";
import type { LimitName, RunLimits } from "../services/run-limits.ts";
import type { Environment } from "./environments/environment.ts";

/**
 * Runs one script as its own process and relays what it says while it runs. The executor decides
 * what to run and what an outcome means; a runner only runs. Implemented by process-step-runner.ts;
 * the simulation has its own.
 */
export interface StepRunner {
  /**
   * Runs the script to its end. Resolves when the process and its whole group are gone, its output
   * is read to the end and the channel is closed; every host call made for the script has settled.
   * Never rejects because of the script.
   *
   * `control` outlives nothing: after `run` resolves its methods do nothing.
   */
  run(request: StepRequest, host: StepHost): RunningStep;
  /** No step of the replay that had the slot is run any more: removes the databases that its steps have changed in place of the real ones. */
  forgetReplay?(slot: number): Promise<void>;
  close(): Promise<void>;
}

export interface RunningStep {
  result: Promise<StepResult>;
  /** The lease was renewed: the process may live for another `ttlMs` (monotonic). Without it the launcher kills (rule D8). */
  keepAlive(ttlMs: number): void;
  /** SIGTERM to the whole group, SIGKILL after `graceMs`. */
  stop(reason: "cancelled" | "lease-lost" | "shutdown", graceMs: number): void;
}

export interface StepRequest {
  executionId: ExecutionId;
  attempt: number;
  /** From 1. */
  step: number;
  /** Slot of this executor, from 0: no two live steps share one. Decides the user id a script runs as. */
  slot: number;
  /** Absolute path of the unpacked service version, readable by the script. */
  directory: string;
  /** Relative to `directory`; elsewhere, a word for what runs. */
  script: string;
  /** As the manifest says; undefined: the executor's own choice. */
  runtime?: JavaScriptRuntime | undefined;
  /** Packages that its process imports before it is given its run. */
  preload?: readonly string[] | undefined;
  /** What the script imports from; undefined: its language's standard library, and what lies beside it. */
  environment?: Environment | undefined;
  /** What runs in place of a script's process; without it `script` does. */
  elsewhere?: Elsewhere | undefined;
  timeoutMs: number;
  /** The launcher kills the group this long after the start unless kept alive. */
  ttlMs: number;
  outputCapBytes: number;
  limits: RunLimits;
  isolation: { level: IsolationLevel; network: boolean };
  /** What it changes in databases must not last. */
  isReplay?: boolean;
  context: StepContext;
}

/** What a step's process is started with: nothing of its event. */
export type ProcessRequest = Omit<StepRequest, "context"> & { context: Pick<StepContext, "service"> };

/** What the script sees. Reaches it over its private channel only (rule S2). */
export interface StepContext {
  event: CloudEvent;
  /** The trigger event's data where it is an object, else `{ data: <value> }`. */
  params: JsonObject;
  service: { project: string; name: string; version: string };
  execution: ExecutionContext;
  /** Platform, project and service configuration, the nearer scope over the wider one. */
  config: JsonObject;
  /** What the nearest earlier step of this attempt offered with `setResult`; null: none did. */
  previous: Json;
}

export interface ExecutionContext {
  id: ExecutionId;
  attempt: number;
  step: number;
  script: string;
  /** What the script does by itself, and the platform cannot hold back, is done a second time. */
  replay: boolean;
  /** Of a replay: the execution that is run again. Null: it is none. */
  original: ExecutionId | null;
}

/** What a running script can ask for, and where its output goes. */
export interface StepHost {
  /** A piece of output. `at`: milliseconds since the epoch, when it was read. Resolving slowly slows the script down. */
  output(chunk: OutputChunk): void | Promise<void>;
  /** A structured line of `context.logging`. */
  log(record: ScriptLog): void | Promise<void>;
  /** Emits an event; resolves with its id once it is durable. Rejects with PlatformError when it is refused. */
  emit(request: EmitRequest): Promise<{ id: string }>;
  getState(): Promise<JsonObject>;
  /** Stores one value; resolves once it is durable and on the backbone (rule D11). */
  putState(key: string, value: Json): Promise<void>;
  /**
   * Looks in service, then project, then platform; undefined: nowhere. Gives what was stored, of the same JSON type: a
   * string, or an object of them as published services keep. From then on every string in it is redacted (rule S5).
   */
  getSecret(name: string): Promise<Json | undefined>;
  /** Stores a secret, any JSON value but null, for later runs. Rejects with `forbidden` where the service has no grant for the scope. */
  setSecret(name: string, value: Json, scope: SecretScope): Promise<void>;
  /**
   * Runs the service again later, with the trigger's data, and `parameters` over it. A second call of the same run takes the
   * first one's place.
   */
  retryLater(when: RetryTime, parameters?: JsonObject): Promise<{ jobId: string; at: number }>;
  /** What this step offers to the next ones as `previous`; the last call counts. At most 4 MiB of JSON. */
  setResult(value: Json): void;
}

/** Where `context.secrets.set` may store. A service's own scope needs no grant. */
export const secretScopes = ["service", "project", "platform"] as const;
export type SecretScope = (typeof secretScopes)[number];

/** Either a time from now, at least a second, or the next time that a cron expression names. */
export type RetryTime = { delayMs: number } | { cron: string; timezone: string };

export interface OutputChunk {
  stream: "stdout" | "stderr";
  bytes: Uint8Array;
  at: number;
}

export const logLevels = ["debug", "info", "warning", "error", "critical"] as const;
export type LogLevel = (typeof logLevels)[number];

export interface ScriptLog {
  level: LogLevel;
  message: string;
  at: number;
}

export interface EmitRequest {
  type: string;
  source?: string | undefined;
  subject?: string | undefined;
  data?: Json | undefined;
  /** The script's own id; else one is derived (rule D10). */
  id?: string | undefined;
  correlationId?: string | undefined;
}

export type StepResult =
  /** `isMute`: it failed, and nothing came from the stderr of a process that was its own. */
  | { kind: "exited"; exitCode: number; outputBytes: number; truncated: boolean; isMute?: true }
  | { kind: "signalled"; signal: string; outputBytes: number; truncated: boolean }
  | { kind: "timeout"; timeoutMs: number; outputBytes: number; truncated: boolean }
  /** It used more than it may, and was ended for it or ended by itself over it. */
  | { kind: "overrun"; limit: LimitName; value: number; outputBytes: number; truncated: boolean }
  /** The same of a limit that is no key of the manifest, in words that follow its name. */
  | { kind: "limited"; message: string; outputBytes: number; truncated: boolean }
  /** Stopped at our own wish. */
  | { kind: "stopped"; reason: "cancelled" | "lease-lost" | "shutdown"; outputBytes: number; truncated: boolean }
  /** The launcher died or the process vanished without an exit status: the platform's fault, not the script's. */
  | { kind: "lost"; message: string }
  /** It could not be started at all, e.g. no interpreter. */
  | { kind: "unstartable"; message: string };
