import type { Json, JsonObject } from "../foundation/json.ts";
import type { StepContext } from "./step-runner.ts";

/** What does not fit is in the context alone: the environment of a process has an end. As sdk/shell/bootstrap.py does it. */
const maxValueBytes = 4 * 1024;
const maxBytes = 64 * 1024;

/** What a run is told by its environment, where it cannot be told by a channel alone: who it is, its parameters, its configuration. */
export function runVariables(context: StepContext): Record<string, string> {
  const { event, execution, service, params, config } = context;
  return {
    FX_PROJECT: service.project,
    FX_SERVICE: service.name,
    FX_EXECUTION_ID: execution.id,
    FX_ATTEMPT: String(execution.attempt),
    FX_STEP: String(execution.step),
    FX_REPLAY: String(execution.replay),
    ...(execution.original === null ? {} : { FX_ORIGINAL_EXECUTION_ID: execution.original }),
    FX_EVENT_TYPE: event.type,
    FX_EVENT_ID: event.id,
    FX_CORRELATION_ID: event.correlationid ?? event.id,
    ...variablesOf("FX_PARAM_", params),
    ...variablesOf("FX_CONFIG_", config),
  };
}

function variablesOf(prefix: string, values: JsonObject): Record<string, string> {
  const found: Record<string, string> = {};
  let roomBytes = maxBytes;
  for (const [key, value] of Object.entries(values)) {
    const name = prefix + key.toUpperCase();
    if (!/^[A-Z_][A-Z0-9_]*$/.test(name) || typeof value === "object") continue;
    const text = textOf(value);
    const sizeBytes = Buffer.byteLength(text);
    if (sizeBytes > Math.min(maxValueBytes, roomBytes) || text.includes("\0") || !text.isWellFormed()) continue;
    roomBytes -= sizeBytes;
    found[name] = text;
  }
  return found;
}

/** A text as it is, anything else as JSON. */
export function textOf(value: Json): string {
  return typeof value === "string" ? value : JSON.stringify(value);
}
