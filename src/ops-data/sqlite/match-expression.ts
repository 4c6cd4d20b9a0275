import { PlatformError } from "../../foundation/errors.ts";
import { logLevels } from "../../search/query-fields.ts";
import type { Comparison, QueryNode } from "../../search/query-node.ts";
import { isAscii, wordsOf } from "../../search/words.ts";

/**
 * What the full-text index holds of a document: the words of its text, then one token for each field.
 * A token begins with a control character of two bytes, which no word contains and which its tokenizer
 * takes for a letter. So one expression of FTS5 answers any query.
 */
const mark = "\u0080";

export const fieldLetters = {
  level: "l",
  service: "s",
  execution: "x",
  flow: "f",
  script: "c",
  stream: "t",
  attempt: "n",
  step: "k",
  type: "y",
  source: "o",
  subject: "j",
  id: "i",
  key: "e",
  project: "p",
} as const;
export type TokenField = keyof typeof fieldLetters;

export function fieldToken(field: TokenField, value: string): string {
  return `${mark}${fieldLetters[field]}${encoded(value)}`;
}

/** The tokenizer folds the case of ASCII and ends a token at its punctuation; values keep both. */
function encoded(value: string): string {
  return value.replace(
    // biome-ignore lint/suspicious/noControlCharactersInRegex: what is not a small letter or digit is written as hex.
    /[\x00-\x2f\x3a-\x60\x7b-\x80]/g,
    (character) => `_${character.charCodeAt(0).toString(16).padStart(2, "0")}`,
  );
}

/** What is indexed of a text. Words of ASCII are found by the tokenizer as `wordsOf` finds them. */
export function indexedText(text: string, fieldTokens: string): string {
  return `${isAscii(text) ? text : wordsOf(text).join(" ")} ${fieldTokens}`;
}

/** Every document has one of these tokens. */
const everything = { lines: `${quoted(`${mark}t`)} *`, events: `${quoted(`${mark}y`)} *` } as const;
export type SearchKind = keyof typeof everything;

/** An expression of FTS5 (https://www.sqlite.org/fts5.html, section 3); undefined: every document matches. */
export function matchExpression(query: QueryNode, kind: SearchKind): string | undefined {
  return query.kind === "all" ? undefined : expressionOf(query, kind);
}

function expressionOf(node: QueryNode, kind: SearchKind): string {
  const all = everything[kind];
  switch (node.kind) {
    case "all":
      return all;
    case "text":
      return `${quoted(wordsOf(node.text).join(" "))}${node.prefix ? " *" : ""}`;
    case "field":
      return fieldExpression(node, kind);
    case "compare":
      return compareExpression(node, all);
    case "not":
      return `(${all} NOT ${expressionOf(node.of, kind)})`;
    case "or":
      return `(${node.of.map((child) => expressionOf(child, kind)).join(" OR ")})`;
    case "and": {
      const wanted = node.of.flatMap((child) => (child.kind === "not" ? [] : [expressionOf(child, kind)]));
      const unwanted = node.of.flatMap((child) => (child.kind === "not" ? [expressionOf(child.of, kind)] : []));
      const found = wanted.length === 0 ? all : `(${wanted.join(" AND ")})`;
      return unwanted.length === 0 ? found : `(${found} NOT (${unwanted.join(" OR ")}))`;
    }
  }
}

function fieldExpression(
  { field, value, prefix }: { field: string; value: string; prefix: boolean },
  kind: SearchKind,
): string {
  if (field === "project" && kind === "lines") {
    // A service's token begins with its project.
    return prefix ? starting("service", value) : starting("service", `${value}/`);
  }
  return prefix ? starting(tokenField(field), value) : quoted(fieldToken(tokenField(field), value));
}

function compareExpression(
  { field, op, value }: { field: string; op: Comparison; value: number },
  all: string,
): string {
  const name = tokenField(field);
  if (field === "level") {
    const levels = logLevels.filter((_, level) => holds(level, op, value));
    return anyToken(levels.map((level) => fieldToken(name, level)));
  }
  // Numbers from 0: what is above a limit is what is not at or below it.
  const upTo = op === "<" || op === ">=" ? value - 1 : value;
  const below = anyToken(Array.from({ length: upTo + 1 }, (_, number) => fieldToken(name, String(number))));
  return op === "<" || op === "<=" ? below : `(${all} NOT ${below})`;
}

function holds(left: number, op: Comparison, right: number): boolean {
  if (op === ">") return left > right;
  if (op === ">=") return left >= right;
  return op === "<" ? left < right : left <= right;
}

function tokenField(field: string): TokenField {
  if (Object.hasOwn(fieldLetters, field)) return field as TokenField;
  throw new PlatformError("invalid-input", `there is no search by the field "${field}"`);
}

function starting(field: TokenField, value: string): string {
  return `${quoted(fieldToken(field, value))} *`;
}

/** No document has the mark alone. */
function anyToken(tokens: readonly string[]): string {
  return tokens.length === 0 ? quoted(`${mark}_`) : `(${tokens.map(quoted).join(" OR ")})`;
}

/** Of words and tokens, in which no quote is. */
function quoted(text: string): string {
  return `"${text}"`;
}
