import type { Json } from "../foundation/json.ts";

/** One step of a path: a key of an object, or a place in a list. */
export type PathStep = string | number;

/** Most steps of a path. */
const maxSteps = 32;

export type PathReading = { ok: true; steps: PathStep[] } | { ok: false; reason: string };

const step = /(?<name>[^.[\]"\s]+)|\[(?<index>\d{1,9})\]|\[(?<quoted>"(?:[^"\\]|\\.)*")\]/y;

/**
 * Reads a path such as `data.user.id`, `data.items[0].sku` or `data["a.b"]` (a key with dots is a
 * JSON string in brackets). `__proto__` is refused: what reads or sets it reaches past the event.
 */
export function parsePath(text: string): PathReading {
  const steps: PathStep[] = [];
  let at = 0;
  while (at < text.length) {
    if (text[at] === "." && at > 0) at += 1;
    else if (at > 0 && text[at] !== "[") return refuse(text, at);
    step.lastIndex = at;
    const match = step.exec(text);
    if (match === null || (text[at - 1] === "." && match[0].startsWith("["))) return refuse(text, at);
    const { name, index, quoted } = match.groups as Partial<Record<"name" | "index" | "quoted", string>>;
    const key = index === undefined ? (name ?? keyOf(quoted as string)) : Number(index);
    if (key === undefined || (steps.length === 0 && name === undefined)) return refuse(text, at);
    if (key === "__proto__") return { ok: false, reason: `"${text}" names __proto__, which no path may` };
    steps.push(key);
    if (steps.length > maxSteps) return { ok: false, reason: `"${text}" has more than ${maxSteps} steps` };
    at = step.lastIndex;
  }
  if (steps.length > 0) return { ok: true, steps };
  return { ok: false, reason: 'a path must not be empty: write one such as "data.user.id"' };
}

function keyOf(quoted: string): string | undefined {
  try {
    return JSON.parse(quoted) as string;
  } catch {
    return undefined;
  }
}

function refuse(text: string, at: number): PathReading {
  const like = 'write it like data.user.id, data.items[0].sku or data["key.with.dots"]';
  return { ok: false, reason: `"${text}" is not a path, from character ${at + 1} on: ${like}` };
}

/** What lies there; undefined where nothing does. Sees own members only. */
export function valueAt(root: unknown, steps: readonly PathStep[]): Json | undefined {
  let value = root;
  for (const step of steps) {
    if (typeof value !== "object" || value === null) return undefined;
    if (Array.isArray(value) !== (typeof step === "number") || !Object.hasOwn(value, step)) return undefined;
    value = (value as Record<PathStep, unknown>)[step];
  }
  return value as Json | undefined;
}

/**
 * Sets a value in `root`, which it changes, with the objects on the way that are not there. Answers
 * what is in the way, if something is: a value that is no object is never replaced by one.
 */
export function setAt(root: Record<string, unknown>, keys: readonly string[], value: Json): string | undefined {
  let object = root;
  for (const [depth, key] of keys.slice(0, -1).entries()) {
    const next = Object.hasOwn(object, key) ? object[key] : undefined;
    if (next === undefined || next === null) {
      const made: Record<string, unknown> = {};
      object[key] = made;
      object = made;
    } else if (typeof next === "object" && !Array.isArray(next)) {
      object = next as Record<string, unknown>;
    } else {
      const found = Array.isArray(next) ? "a list" : `a ${typeof next}`;
      return `${keys.slice(0, depth + 1).join(".")} is ${found}, and no object that a field could be set in`;
    }
  }
  object[keys.at(-1) as string] = value;
  return undefined;
}
