import { sha256 } from "../foundation/hash.ts";
import { canonicalJson, type Json } from "../foundation/json.ts";

export const effectKinds = ["emit", "putState", "setSecret", "retryLater"] as const;
export type EffectKind = (typeof effectKinds)[number];

/** What a script of a replay asked for. It was answered as in a run, and was not done. */
export interface CapturedEffect {
  /** From 1, in the order they were asked for. */
  n: number;
  step: number;
  kind: EffectKind;
  content: EffectContent;
}

/** `emit`: the event's attributes and data. `putState`: key and value. `setSecret`: name and scope, never the value. `retryLater`: when, and its parameters. */
export type EffectContent = { [name: string]: Json };

/** Captured effects of one execution; what is more is counted, not kept. */
export const maxCapturedEffects = 1000;
/** Data of one effect, in bytes of JSON; larger data is kept as its size and hash. */
export const maxCapturedDataBytes = 64 * 1024;

/** A value as it is kept: whole, or told by its size and a hash, which is enough to compare. */
export function boundedValue(name: string, value: Json | undefined): EffectContent {
  if (value === undefined) return {};
  const text = canonicalJson(value);
  const sizeBytes = Buffer.byteLength(text);
  if (sizeBytes <= maxCapturedDataBytes) return { [name]: value };
  return { omitted: { name, sizeBytes, sha256: sha256(text) } };
}
