import { type Clock, sleep } from "../../foundation/clock.ts";
import { PlatformError } from "../../foundation/errors.ts";
import { type Cluster, refusal } from "./cluster.ts";

/** One line of a bulk request and, but for a deletion, the document. */
export type Operation =
  | { kind: "create"; index: string; id: string; document: object }
  /** Changes nothing where a higher version is stored. */
  | { kind: "put"; index: string; id: string; version: number; document: object }
  | { kind: "delete"; index: string; id: string };

interface Item {
  status: number;
  error?: { type: string; reason: string };
}

const maxRequestChars = 4 * 1024 * 1024;
const maxRequestItems = 5000;
/** Then whoever called repeats all of it, later. */
const maxTries = 7;
const firstPauseMs = 20;

/**
 * Stores documents, which searches find once this resolves. What is there already, or there in a later version, stays. What the
 * cluster has no room for at the moment is given again with a growing pause, and only that. Answers how many were changed. Throws
 * `invalid-input` when some document can never be stored, after the others were; else what is retryable.
 */
export async function bulk(cluster: Cluster, clock: Clock, operations: readonly Operation[]): Promise<number> {
  let changed = 0;
  const refused: string[] = [];
  for (const part of parts(operations)) {
    const told = await writePart(cluster, clock, part);
    changed += told.changed;
    refused.push(...told.refused);
  }
  if (refused.length === 0) return changed;
  const problems = refused.map((message) => ({ path: "document", message }));
  throw new PlatformError("invalid-input", `Elasticsearch cannot store: ${refused[0]}`, { problems });
}

async function writePart(
  cluster: Cluster,
  clock: Clock,
  operations: readonly Operation[],
): Promise<{ changed: number; refused: string[] }> {
  const told = { changed: 0, refused: [] as string[] };
  let left = operations;
  let why = "";
  for (let tries = 0; left.length > 0; tries += 1) {
    if (tries === maxTries) {
      throw new PlatformError("unavailable", `Elasticsearch does not take ${left.length} documents: ${why}`);
    }
    if (tries > 0) await sleep(clock, firstPauseMs * 2 ** tries, cluster.closed);
    const items = await send(cluster, left);
    const again: Operation[] = [];
    for (const [index, operation] of left.entries()) {
      const { status, error } = items[index] as Item;
      if (status < 300) told.changed += 1;
      else if (status === 409 || (status === 404 && operation.kind === "delete")) continue;
      else if (status === 400 && error?.type !== "validation_exception") told.refused.push(textOf(operation, error));
      else {
        again.push(operation);
        why = `${status} ${error?.type}: ${error?.reason}`;
      }
    }
    left = again;
  }
  return told;
}

/** One result for each; those of a request that had no room are its status. */
async function send(cluster: Cluster, operations: readonly Operation[]): Promise<Item[]> {
  const path = "/_bulk?refresh=true&filter_path=items.*.status,items.*.error.type,items.*.error.reason";
  const body = operations.map(linesOf).join("");
  const answer = await cluster.ask({ method: "POST", path, body, type: "application/x-ndjson" });
  if (answer.status === 429) {
    return operations.map(() => ({ status: 429, error: { type: "rejected", reason: "too many requests" } }));
  }
  if (answer.status === 413 && operations.length > 1) {
    const middle = Math.ceil(operations.length / 2);
    return [...(await send(cluster, operations.slice(0, middle))), ...(await send(cluster, operations.slice(middle)))];
  }
  if (answer.status >= 300) {
    const error = refusal(answer, "documents");
    if (error.code === "unavailable" || operations.length > 1) throw error;
    return [{ status: 400, error: { type: "refused", reason: error.message } }];
  }
  const { items } = answer.body as { items: Record<string, Item>[] };
  return items.map((item) => Object.values(item)[0] as Item);
}

function linesOf(operation: Operation): string {
  const { kind, index: _index, id: _id } = operation;
  switch (kind) {
    case "create":
      return `${JSON.stringify({ create: { _index, _id } })}\n${JSON.stringify(operation.document)}\n`;
    case "put": {
      const { version } = operation;
      const action = { index: { _index, _id, version, version_type: "external_gte" } };
      return `${JSON.stringify(action)}\n${JSON.stringify(operation.document)}\n`;
    }
    case "delete":
      return `${JSON.stringify({ delete: { _index, _id } })}\n`;
  }
}

function* parts(operations: readonly Operation[]): Generator<readonly Operation[]> {
  let from = 0;
  let chars = 0;
  for (const [index, operation] of operations.entries()) {
    const own = sizeOf(operation);
    if (index > from && (chars + own > maxRequestChars || index - from >= maxRequestItems)) {
      yield operations.slice(from, index);
      from = index;
      chars = 0;
    }
    chars += own;
  }
  if (from < operations.length) yield operations.slice(from);
}

/** Of what may be long in it. */
function sizeOf(operation: Operation): number {
  if (operation.kind === "delete") return 100;
  let chars = 500;
  for (const value of Object.values(operation.document)) if (typeof value === "string") chars += value.length;
  return chars;
}

function textOf({ index, id }: Operation, error: Item["error"]): string {
  return `${id} in ${index}: ${error?.type}: ${error?.reason}`;
}
