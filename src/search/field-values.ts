import type { FieldType } from "./query-fields.ts";
import { allOf, type Comparison, type QueryNode } from "./query-node.ts";
import { wrongQuery } from "./query-tokens.ts";

export interface ValueText {
  text: string;
  prefix: boolean;
  quoted: boolean;
  at: number;
}

/** The value of `field:value`. */
export function readFieldValue(field: string, type: FieldType, value: ValueText): QueryNode {
  const [, op, rest = ""] = value.quoted ? [] : (/^(>=|<=|>|<)(.*)$/s.exec(value.text) ?? []);
  if (op !== undefined) {
    if (type.kind === "keyword" || type.kind === "choice") {
      throw wrongQuery(value.at, `${field} has no order: write ${field}:value`);
    }
    const place = { text: rest, at: value.at + op.length };
    return { kind: "compare", field, op: op as Comparison, value: readOrdered(field, type, place) };
  }
  switch (type.kind) {
    case "keyword":
      return readKeyword(field, type, value);
    case "choice":
      if (type.choices.includes(value.text)) return { kind: "field", field, value: value.text, prefix: false };
      throw wrongQuery(value.at, `${field} is one of ${type.choices.join(", ")}; found "${value.text}"`);
    case "level":
      return { kind: "field", field, value: type.levels[readOrdered(field, type, value)] as string, prefix: false };
    case "number":
      return { kind: "field", field, value: String(readOrdered(field, type, value)), prefix: false };
    case "time":
      throw wrongQuery(
        value.at,
        `${field} takes a limit or a range: ${field}:>=2026-01-31 or ${field}:[2026-01-31 TO 2026-02-01]`,
      );
  }
}

/** `field:[from TO to]`, both included. */
export function readFieldRange(
  field: string,
  type: FieldType,
  { from, to, at }: { from: string; to: string; at: number },
): QueryNode {
  if (type.kind === "keyword" || type.kind === "choice") {
    throw wrongQuery(at, `${field} has no order, so it has no ranges: write ${field}:value`);
  }
  return allOf([
    { kind: "compare", field, op: ">=", value: readOrdered(field, type, { text: from, at }) },
    { kind: "compare", field, op: "<=", value: readOrdered(field, type, { text: to, at }) },
  ]);
}

function readKeyword(field: string, type: FieldType & { kind: "keyword" }, value: ValueText): QueryNode {
  const star = value.quoted ? -1 : value.text.indexOf("*");
  if (star >= 0 && star < value.text.length - 1) {
    throw wrongQuery(value.at + star, 'a "*" stands only at the end of a value; within quotes it is a character');
  }
  const prefix = value.prefix || star >= 0;
  const text = star >= 0 ? value.text.slice(0, star) : value.text;
  if (text === "") throw wrongQuery(value.at, `${field} needs at least one character of a value`);
  return { kind: "field", field, value: type.read?.(text, prefix) ?? text, prefix };
}

function readOrdered(
  field: string,
  type: Exclude<FieldType, { kind: "keyword" | "choice" }>,
  { text, at }: { text: string; at: number },
): number {
  switch (type.kind) {
    case "number": {
      const number = Number(text);
      if (/^\d+$/.test(text) && number <= type.most) return number;
      throw wrongQuery(at, `${field} is a whole number from 0 to ${type.most}; found "${text}"`);
    }
    case "level": {
      const name = text.toLowerCase();
      const level = type.levels.indexOf(Object.hasOwn(type.aliases, name) ? (type.aliases[name] as string) : name);
      if (level >= 0) return level;
      throw wrongQuery(at, `${field} is one of ${type.levels.join(", ")}; found "${text}"`);
    }
    case "time": {
      const ms = readTime(text);
      if (ms !== undefined) return ms;
      throw wrongQuery(at, `${field} is a time such as 2026-01-31, 2026-01-31T12:00 or 2026-01-31T12:00:00Z`);
    }
  }
}

/** A date or a time of ISO 8601; UTC unless it says otherwise. */
function readTime(text: string): number | undefined {
  const [, date, time = "T00:00", zone = "Z"] =
    /^(\d{4}-\d\d-\d\d)(T\d\d:\d\d(?::\d\d(?:\.\d{1,3})?)?)?(Z|[+-]\d\d:\d\d)?$/.exec(text) ?? [];
  if (date === undefined) return undefined;
  const ms = Date.parse(`${date}${time}${zone}`);
  // Date.parse takes 31 February for 3 March.
  const valid = !Number.isNaN(ms) && new Date(`${date}T00:00Z`).toISOString().startsWith(date);
  return valid ? ms : undefined;
}
