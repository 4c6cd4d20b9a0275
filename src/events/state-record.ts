import { z } from "zod";
import type { Json } from "../foundation/json.ts";
import { topics } from "./topics.ts";

/** One state put or deletion, as it is logged on `fx.state` (rule D11). JSON, so that other programs can read it. */
const facts = { project: z.string(), service: z.string(), key: z.string(), version: z.int().positive() };
const stateRecordSchema = z.union([
  z.object({ ...facts, deleted: z.literal(true) }),
  z.object({ ...facts, value: z.json() }),
]);

type LoggedEntry = { value: Json; version: number } | { deleted: true; version: number };

export function stateKey(owner: { project: string; service: string }, key: string): string {
  return `${owner.project}/${owner.service}/${key}`;
}

/** A record for `Bus.publish`; its key is what compaction keeps the newest of. */
export function encodeStateRecord(
  owner: { project: string; service: string },
  key: string,
  entry: LoggedEntry,
): { topic: string; key: string; value: Uint8Array; headers: Record<string, string> } {
  return {
    topic: topics.state,
    key: stateKey(owner, key),
    value: Buffer.from(JSON.stringify({ project: owner.project, service: owner.service, key, ...entry })),
    headers: { "content-type": "application/json" },
  };
}

/** Undefined when the bytes are not a state record. */
export function decodeStateRecord(
  bytes: Uint8Array,
): { owner: { project: string; service: string }; key: string; entry: LoggedEntry } | undefined {
  try {
    const record = stateRecordSchema.parse(JSON.parse(Buffer.from(bytes).toString()));
    const { project, service, key, version } = record;
    const entry = "deleted" in record ? { deleted: record.deleted, version } : { value: record.value, version };
    return { owner: { project, service }, key, entry };
  } catch {
    return undefined;
  }
}
