import type { CloudEvent } from "../../events/cloud-event.ts";
import { boundedValue, type CapturedEffect } from "../../executions/captured-effect.ts";
import { canonicalJson, type Json } from "../../foundation/json.ts";
import { diffJson, type JsonChange } from "./json-diff.ts";

/** An event as it is compared: its id and times differ from run to run and say nothing. */
export interface EmittedEvent {
  type: string;
  source: string;
  subject: string | null;
  /** Absent where there was none, and where it was too large to keep: `omitted` tells its size and hash. */
  data?: Json;
  omitted?: Json;
}

export interface EmittedDiff {
  same: boolean;
  /** The original sent it and the replay did not. */
  removed: EmittedEvent[];
  added: EmittedEvent[];
  /** Of one type, source and subject, the data differs. */
  changed: { event: Omit<EmittedEvent, "data" | "omitted">; changes: JsonChange[] }[];
}

interface Compared extends EmittedEvent {
  /** Retention took the data of the original: it is compared without. */
  stripped: boolean;
}

/** Compares as multisets: each event of the original is the partner of at most one of the replay. */
export function diffEmitted(original: readonly CloudEvent[], captured: readonly CapturedEffect[]): EmittedDiff {
  const before = original.map(emittedOf);
  const after = captured.filter(({ kind }) => kind === "emit").map(({ content }) => capturedOf(content));
  const left = takePairs(before, after, (one, other) => placeOf(one) === placeOf(other) && sameData(one, other));
  const places = takePairs(left.before, left.after, (one, other) => placeOf(one) === placeOf(other));
  const changed = places.pairs.map(([one, other]) => {
    const { type, source, subject } = one;
    const changes = diffJson(comparable(one), comparable(other));
    return { event: { type, source, subject }, changes };
  });
  const removed = places.before.map(shown);
  const added = places.after.map(shown);
  return { same: removed.length + added.length + changed.length === 0, removed, added, changed };
}

function takePairs(before: Compared[], after: Compared[], fits: (one: Compared, other: Compared) => boolean) {
  const left = [...after];
  const pairs: [Compared, Compared][] = [];
  const unpaired = before.filter((one) => {
    const index = left.findIndex((other) => fits(one, other));
    if (index < 0) return true;
    pairs.push([one, ...(left.splice(index, 1) as [Compared])]);
    return false;
  });
  return { pairs, before: unpaired, after: left };
}

function placeOf({ type, source, subject }: EmittedEvent): string {
  return canonicalJson([type, source, subject]);
}

function sameData(one: Compared, other: Compared): boolean {
  return one.stripped || canonicalJson(comparable(one) ?? null) === canonicalJson(comparable(other) ?? null);
}

function comparable({ data, omitted }: EmittedEvent): Json | undefined {
  return omitted === undefined ? data : { omitted };
}

function emittedOf({ type, source, subject, data, datacontenttype }: CloudEvent): Compared {
  // The platform names the type of data wherever there is data, and retention leaves the attributes.
  const stripped = data === undefined && datacontenttype !== undefined;
  return { type, source, subject: subject ?? null, stripped, ...boundedValue("data", data) };
}

function capturedOf(content: CapturedEffect["content"]): Compared {
  const { type, source, subject, data, omitted } = content;
  return {
    type: String(type),
    source: String(source),
    subject: subject === undefined ? null : String(subject),
    stripped: false,
    ...(data === undefined ? {} : { data }),
    ...(omitted === undefined ? {} : { omitted }),
  };
}

function shown({ stripped: _stripped, ...event }: Compared): EmittedEvent {
  return event;
}
