import type { Json } from "../foundation/json.ts";

/**
 * The JSON of what a CEL expression computes, as the protobuf JSON mapping writes it, which CEL refers
 * to: timestamps as RFC 3339, durations as "1.5s", bytes as base64, numbers that JSON lacks as "NaN",
 * "Infinity" and "-Infinity". Whole numbers stay numbers as far as a 64-bit float holds them exactly,
 * larger ones become text. Total: undefined for what is no value, such as an empty optional.
 */
export function celToJson(value: unknown): Json | undefined {
  switch (typeof value) {
    case "string":
      return value;
    case "boolean":
      return value;
    case "number":
      return Number.isFinite(value) ? value : String(value);
    case "bigint":
      return wholeNumber(value);
    case "object":
      return value === null ? null : ofObject(value);
    default:
      return undefined;
  }
}

function ofObject(value: object): Json | undefined {
  if (Array.isArray(value) || value instanceof Set) return [...value].map((item) => celToJson(item) ?? null);
  if (value instanceof Map) return ofEntries([...value]);
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? undefined : value.toISOString();
  if (ArrayBuffer.isView(value)) {
    return Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString("base64");
  }
  if (isPlain(value)) return ofEntries(Object.entries(value));
  return ofOwnKind(value);
}

/** The library's own: optional, duration, unsigned integer, type. */
function ofOwnKind(value: object): Json | undefined {
  if ("hasValue" in value && typeof value.hasValue === "function") {
    return value.hasValue() === true && "value" in value && typeof value.value === "function"
      ? celToJson(value.value())
      : undefined;
  }
  if ("seconds" in value && "nanos" in value && typeof value.seconds === "bigint") {
    return durationText(value.seconds, Number(value.nanos));
  }
  const primitive: unknown = value.valueOf();
  if (typeof primitive === "bigint") return wholeNumber(primitive);
  return "name" in value && typeof value.name === "string" ? value.name : undefined;
}

function ofEntries(entries: readonly (readonly [unknown, unknown])[]): Json {
  const known = entries.flatMap(([key, item]): [string, Json][] => {
    const json = celToJson(item);
    return json === undefined ? [] : [[keyText(key), json]];
  });
  // Makes members of its own, whatever they are called.
  return Object.fromEntries(known);
}

/** As the value itself would be told; CEL has whole numbers, booleans and texts as keys, and its own kinds of the first. */
function keyText(key: unknown): string {
  if (typeof key !== "object" || key === null) return String(key);
  const json = celToJson(key);
  return typeof json === "string" ? json : (JSON.stringify(json) ?? "");
}

function wholeNumber(value: bigint): Json {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : String(value);
}

function durationText(seconds: bigint, nanos: number): string {
  const negative = seconds < 0n || nanos < 0;
  const whole = seconds < 0n ? -seconds : seconds;
  const part = nanos === 0 ? "" : `.${String(Math.abs(nanos)).padStart(9, "0").replace(/0+$/, "")}`;
  return `${negative ? "-" : ""}${whole}${part}s`;
}

function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}
