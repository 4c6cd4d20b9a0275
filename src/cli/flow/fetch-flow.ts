import { CliError } from "../cli-error.ts";
import type { Client } from "../connection/client.ts";
import type { EventAnswer, ExecutionAnswer } from "../connection/wire.ts";
import { findEvent } from "../why/find-event.ts";
import type { FlowParts } from "./flow-tree.ts";

/** The flow with this id; or that of the execution with this id, or of the event with this key or id. Empty parts: there is none. */
export async function fetchFlow(api: Client, id: string): Promise<FlowParts> {
  const flow = await fetchParts(api, id);
  if (flow.events.length > 0 || flow.executions.length > 0) return flow;
  const named = (await flowOfExecution(api, id)) ?? (await flowOfEvent(api, id));
  return named === undefined ? flow : fetchParts(api, named);
}

export async function fetchParts(api: Client, correlationId: string): Promise<FlowParts> {
  return orNotFound(api.get<FlowParts>("/api/v1/flows", { correlationid: correlationId }), {
    events: [],
    executions: [],
  });
}

/** Throws a usage error where several sources used the id. */
async function flowOfEvent(api: Client, keyOrId: string): Promise<string | undefined> {
  const entry = await orNotFound<EventAnswer | undefined>(findEvent(api, keyOrId), undefined);
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
