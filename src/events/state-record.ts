import { z } from "zod";
import type { Json } from "../foundation/json.ts";
import { topics } from "./topics.ts";

/** One state put, as it is logged on `fx.state` (rule D11). JSON, so that other programs can read it. */
const stateRecordSchema = z.object({
  project: z.string(),
  service: z.string(),
  key: z.string(),
  version: z.int().positive(),
  value: z.json(),
});

export function stateKey(owner: { project: string; service: string }, key: string): string {
  return `${owner.project}/${owner.service}/${key}`;
}

/** A record for `Bus.publish`; its key is what compaction keeps the newest of. */
export function encodeStateRecord(
  owner: { project: string; service: string },
  key: string,
  value: { value: Json; version: number },
): { topic: string; key: string; value: Uint8Array; headers: Record<string, string> } {
  return {
    topic: topics.state,
    key: stateKey(owner, key),
    value: Buffer.from(JSON.stringify({ project: owner.project, service: owner.service, key, ...value })),
    headers: { "content-type": "application/json" },
  };
}

/** Undefined when the bytes are not a state record. */
export function decodeStateRecord(
  bytes: Uint8Array,
): { owner: { project: string; service: string }; key: string; value: { value: Json; version: number } } | undefined {
  try {
    const { project, service, key, version, value } = stateRecordSchema.parse(
      JSON.parse(Buffer.from(bytes).toString()),
    );
    return { owner: { project, service }, key, value: { value, version } };
  } catch {
    return undefined;
  }
}
