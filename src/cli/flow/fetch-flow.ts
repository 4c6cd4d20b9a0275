import { CliError } from "../cli-error.ts";
import type { Client } from "../connection/client.ts";
import type { EventAnswer, ExecutionAnswer } from "../connection/wire.ts";
import type { FlowParts } from "./flow-tree.ts";

/** The flow with this id; or the flow of the event with this key, or of the execution with this id. Empty parts: there is none. */
export async function fetchFlow(api: Client, id: string): Promise<FlowParts> {
  const flow = await fetchParts(api, id);
  if (flow.events.length > 0 || flow.executions.length > 0) return flow;
  const named = (await flowOfEvent(api, id)) ?? (await flowOfExecution(api, id));
  return named === undefined ? flow : fetchParts(api, named);
}

export async function fetchParts(api: Client, correlationId: string): Promise<FlowParts> {
  return orNotFound(api.get<FlowParts>("/api/v1/flows", { correlationid: correlationId }), {
    events: [],
    executions: [],
  });
}

async function flowOfEvent(api: Client, key: string): Promise<string | undefined> {
  const entry = await orNotFound<EventAnswer | undefined>(
    api.get(`/api/v1/events/${encodeURIComponent(key)}`),
    undefined,
  );
  return entry?.event.correlationid;
}

async function flowOfExecution(api: Client, id: string): Promise<string | undefined> {
  const path = `/api/v1/executions/${encodeURIComponent(id)}`;
  return (await orNotFound<ExecutionAnswer | undefined>(api.get(path), undefined))?.correlationId;
}

async function orNotFound<T>(answer: Promise<T>, otherwise: T): Promise<T> {
  try {
    return await answer;
  } catch (error) {
    // An id of the wrong form is refused as such; it names nothing all the same.
    if (error instanceof CliError && (error.exit === "notFound" || error.exit === "refused")) return otherwise;
    throw error;
  }
}
