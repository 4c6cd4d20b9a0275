import type { Problem } from "../foundation/errors.ts";
import { schemaWords } from "../foundation/schema-words.ts";
import {
  base64,
  type CloudEvent,
  cloudEventSchema,
  extensionName,
  maxAttributeLength,
  rfc3339,
} from "./cloud-event.ts";

/** Deepest accepted nesting of `data`: what reads it later may recurse. */
export const maxDataDepth = 200;

export type EventReading = { ok: true; event: CloudEvent } | { ok: false; problems: Problem[] };

/**
 * Reads the JSON form of one event. Decides as `cloudEventSchema` does, at a fraction of its cost;
 * the schema words the problems. Attributes that are `null` count as absent (CloudEvents JSON format
 * 1.0, section 2.2): `event` is then a copy, otherwise the very object given.
 */
export function readCloudEvent(value: unknown): EventReading {
  if (isCloudEvent(value)) return { ok: true, event: value };
  const present = withoutNulls(value);
  if (present !== value && isCloudEvent(present)) return { ok: true, event: present };
  return { ok: false, problems: problemsOf(present) };
}

/** Exactly what `cloudEventSchema` accepts, with finite numbers and bounded nesting besides. */
function isCloudEvent(value: unknown): value is CloudEvent {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return false;
  const event = value as Record<string, unknown>;
  for (const name in event) {
    const check = checks.get(name);
    const item = event[name];
    if (check !== undefined ? !check(item) : !extensionName.test(name) || !isExtension(item)) return false;
  }
  return (
    event.specversion === "1.0" &&
    event.id !== undefined &&
    event.source !== undefined &&
    event.type !== undefined &&
    (event.data === undefined || event.data_base64 === undefined)
  );
}

const plainString = /^[\x20-\x7e]+$/;
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what CloudEvents forbids in attribute strings.
const forbidden = /[\u0000-\u001f\u007f-\u009f]|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/;
const whiteSpace = /\s/;
const whiteSpaceOrStar = /[\s*]/;

function isText(item: unknown): item is string {
  return (
    typeof item === "string" &&
    item.length > 0 &&
    item.length <= maxAttributeLength &&
    (plainString.test(item) || !forbidden.test(item))
  );
}

function isExtension(item: unknown): boolean {
  return isText(item) || typeof item === "boolean" || (typeof item === "number" && (item | 0) === item);
}

type Check = (item: unknown) => boolean;
const optional =
  (check: Check): Check =>
  (item) =>
    item === undefined || check(item);
const isUri: Check = (item) => isText(item) && !whiteSpace.test(item);

const checks = new Map<string, Check>([
  ["specversion", (item) => item === "1.0"],
  ["id", isText],
  ["source", isUri],
  ["type", (item) => isText(item) && !whiteSpaceOrStar.test(item)],
  ["time", optional((item) => typeof item === "string" && rfc3339.test(item))],
  ["dataschema", optional(isUri)],
  ["data", (item) => item === undefined || dataProblem(item, 0) === undefined],
  ["data_base64", optional((item) => typeof item === "string" && base64.test(item))],
  ...["subject", "datacontenttype", "correlationid", "causationid", "sequence", "partitionkey", "traceparent"].map(
    (name): [string, Check] => [name, optional(isText)],
  ),
  ["fxproject", optional(isText)],
  ["fxexecution", optional(isText)],
]);

/** JSON texts can hold what JSON values cannot give back: 1e999 is read as infinity and would be written as null. */
function dataProblem(item: unknown, depth: number): string | undefined {
  if (typeof item === "number") return Number.isFinite(item) ? undefined : "must hold numbers that fit a 64-bit float";
  if (typeof item !== "object" || item === null) {
    return typeof item === "string" || typeof item === "boolean" || item === null ? undefined : "must be JSON";
  }
  if (depth >= maxDataDepth) return `must not be nested deeper than ${maxDataDepth} levels`;
  for (const inner of Array.isArray(item) ? item : Object.values(item)) {
    const problem = dataProblem(inner, depth + 1);
    if (problem !== undefined) return problem;
  }
  return undefined;
}

function withoutNulls(value: unknown): unknown {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return value;
  const entries = Object.entries(value);
  const present = entries.filter(([name, item]) => item !== null || name === "data");
  return present.length === entries.length ? value : Object.fromEntries(present);
}

function problemsOf(value: unknown): Problem[] {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    return [{ path: "", message: `must be a CloudEvent, a JSON object; found ${describe(value)}` }];
  }
  const { data, ...attributes } = value as Record<string, unknown>;
  const problem = data === undefined ? undefined : dataProblem(data, 0);
  const problems: Problem[] = problem === undefined ? [] : [{ path: "data", message: problem }];
  // `data` is judged above: the schema recurses without a limit.
  const parsed = cloudEventSchema.safeParse(data === undefined ? attributes : { ...attributes, data: null }, {
    error: schemaWords,
  });
  for (const { path, message } of parsed.error?.issues ?? []) {
    const name = path.map(String).join(".");
    problems.push({ path: name, message: `${message}${found(attributes[name])}` });
  }
  // The schema passes over this one name, since assigning it would change the object's prototype.
  if (Object.hasOwn(attributes, "__proto__")) {
    problems.push({ path: "__proto__", message: "is not a CloudEvents attribute name" });
  }
  return problems;
}

function found(item: unknown): string {
  return item === undefined ? "; found nothing" : `; found ${describe(item)}`;
}

function describe(item: unknown): string {
  const text = JSON.stringify(item) ?? "nothing";
  return text.length > 80 ? `${text.slice(0, 77)}...` : text;
}
