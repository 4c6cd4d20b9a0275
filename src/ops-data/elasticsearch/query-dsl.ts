import { PlatformError } from "../../foundation/errors.ts";
import { sha256 } from "../../foundation/hash.ts";
import { logLevels } from "../../search/query-fields.ts";
import type { Comparison, QueryNode } from "../../search/query-node.ts";
import { wordsOf } from "../../search/words.ts";

export type SearchKind = "lines" | "events";

/** A token of the index has 255 characters at most; of a longer word the beginning is one, with a hash of all of it. */
const maxWordChars = 200;
/** Different words that the last one of a phrase may stand for, in each part of an index. */
const maxExpansions = 10_000;

const fields: Record<SearchKind, Readonly<Record<string, string>>> = {
  lines: {
    service: "fx.service",
    project: "fx.project",
    execution: "fx.execution",
    flow: "trace.id",
    script: "fx.script",
    stream: "fx.stream",
    level: "log.level",
    attempt: "fx.attempt",
    step: "fx.step",
  },
  events: {
    type: "event.action",
    source: "event.provider",
    subject: "fx.subject",
    id: "event.id",
    key: "fx.key",
    project: "fx.project",
    flow: "trace.id",
    execution: "fx.execution",
  },
};
const numbers = ["attempt", "step"];

/** What is indexed of a text: the same words that a query has (`src/search/words.ts`), whatever language the server knows. */
export function indexedWords(text: string): string {
  return wordsOf(text).map(tokenOf).join(" ");
}

/** A query in the DSL that both servers speak. Everything is a filter: what is found has no rank but its time. */
export function queryDsl(node: QueryNode, kind: SearchKind): object {
  switch (node.kind) {
    case "all":
      return { match_all: {} };
    case "text":
      return textQuery(node);
    case "field": {
      const name = fieldName(node.field, kind);
      return node.prefix ? { prefix: { [name]: { value: node.value } } } : { term: { [name]: { value: node.value } } };
    }
    case "compare":
      return compareQuery(node, kind);
    case "not":
      return { bool: { must_not: [queryDsl(node.of, kind)] } };
    case "and":
      return { bool: { filter: node.of.map((child) => queryDsl(child, kind)) } };
    case "or":
      return { bool: { should: node.of.map((child) => queryDsl(child, kind)), minimum_should_match: 1 } };
  }
}

/** [from, to) of milliseconds, maybe infinite. */
export function timeQuery(from: number, to: number): object[] {
  const limits = {
    ...(Number.isFinite(from) && { gte: Math.ceil(from) }),
    ...(Number.isFinite(to) && { lt: Math.ceil(to) }),
  };
  if (Object.keys(limits).length === 0) return [];
  return [{ range: { "@timestamp": { ...limits, format: "epoch_millis" } } }];
}

function textQuery({ text, prefix }: { text: string; prefix: boolean }): object {
  const words = wordsOf(text);
  const last = words.pop() ?? "";
  const beginning = prefix ? last.slice(0, maxWordChars) : tokenOf(last);
  if (words.length === 0) {
    return prefix ? { prefix: { "fx.words": { value: beginning } } } : { term: { "fx.words": { value: beginning } } };
  }
  const query = [...words.map(tokenOf), beginning].join(" ");
  if (!prefix) return { match_phrase: { "fx.words": { query } } };
  return { match_phrase_prefix: { "fx.words": { query, max_expansions: maxExpansions } } };
}

function compareQuery(
  { field, op, value }: { field: string; op: Comparison; value: number },
  kind: SearchKind,
): object {
  const name = fieldName(field, kind);
  if (field === "level") return { terms: { [name]: logLevels.filter((_, level) => holds(level, op, value)) } };
  if (!numbers.includes(field)) throw unknownField(field);
  const limit = { ">": "gt", ">=": "gte", "<": "lt", "<=": "lte" }[op];
  return { range: { [name]: { [limit]: value } } };
}

function holds(left: number, op: Comparison, right: number): boolean {
  if (op === ">") return left > right;
  if (op === ">=") return left >= right;
  return op === "<" ? left < right : left <= right;
}

function fieldName(field: string, kind: SearchKind): string {
  const name = Object.hasOwn(fields[kind], field) ? fields[kind][field] : undefined;
  if (name === undefined) throw unknownField(field);
  return name;
}

function unknownField(field: string): PlatformError {
  return new PlatformError("invalid-input", `there is no search by the field "${field}"`);
}

function tokenOf(word: string): string {
  return word.length <= maxWordChars ? word : `${word.slice(0, maxWordChars)}${sha256(word)}`;
}
