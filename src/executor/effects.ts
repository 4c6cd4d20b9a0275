import { PlatformError } from "../foundation/errors.ts";
import type { Json, JsonObject } from "../foundation/json.ts";
import type { EmitRequest, RetryTime, SecretScope } from "./step-runner.ts";

/**
 * What the scripts of one attempt do to the world outside their process. Live for a run, recorded
 * and not done for a replay. Each resolves once its effect is durable; a rejection with a code of
 * refusal (`forbidden`, `invalid-input`, ...) is the script's to handle, any other is the platform's
 * trouble and the attempt counts as lost (rule D9).
 */
export interface Effects {
  emit(step: number, request: EmitRequest): Promise<{ id: string }>;
  getState(): Promise<JsonObject>;
  putState(key: string, value: Json): Promise<void>;
  getSecret(name: string): Promise<Json | undefined>;
  setSecret(name: string, value: Json, scope: SecretScope): Promise<void>;
  retryLater(when: RetryTime, parameters?: JsonObject): Promise<{ jobId: string; at: number }>;
}

/** Largest result that a step may offer to the next, in bytes of JSON. */
export const maxResultBytes = 4 * 1024 * 1024;

/** Throws `limit-exceeded`. */
export function requireSmallResult(value: Json): void {
  const sizeBytes = Buffer.byteLength(JSON.stringify(value));
  if (sizeBytes <= maxResultBytes) return;
  throw new PlatformError(
    "limit-exceeded",
    `the step's result has ${sizeBytes} bytes of JSON, at most ${maxResultBytes} are passed on`,
  );
}
