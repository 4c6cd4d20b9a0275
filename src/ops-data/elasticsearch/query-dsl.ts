import { PlatformError } from "../../foundation/errors.ts";
import type { JsonObject } from "../../foundation/json.ts";
import type { Comparison, QueryNode } from "../../search/query-node.ts";
import { wordsOf } from "../../search/words.ts";

type SearchKind = "lines" | "events";

const fieldsOf: Readonly<Record<SearchKind, Readonly<Record<string, string>>>> = {
  lines: {
    level: "log.level",
    service: "service.name",
    project: "fx.project",
    execution: "fx.execution",
    flow: "trace.id",
    script: "fx.script",
    stream: "fx.stream",
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

const bounds: Readonly<Record<Comparison, string>> = { ">": "gt", ">=": "gte", "<": "lt", "<=": "lte" };
/** Words that a prefix at the end of a phrase may stand for. */
const maxExpansions = 10_000;

/** A search in the servers' query language (https://opensearch.org/docs/latest/query-dsl/). */
export function queryDsl(node: QueryNode, kind: SearchKind): JsonObject {
  switch (node.kind) {
    case "all":
      return { match_all: {} };
    case "text":
      return textQuery(wordsOf(node.text), node.prefix);
    case "field": {
      const field = fieldOf(node.field, kind);
      return node.prefix
        ? { prefix: { [field]: { value: node.value } } }
        : { term: { [field]: { value: node.value } } };
    }
    case "compare": {
      const field = node.field === "level" ? "fx.level" : fieldOf(node.field, kind);
      return { range: { [field]: { [bounds[node.op]]: node.value } } };
    }
    case "not":
      return { bool: { must_not: [queryDsl(node.of, kind)] } };
    case "and":
      return { bool: { filter: node.of.map((child) => queryDsl(child, kind)) } };
    case "or":
      return { bool: { should: node.of.map((child) => queryDsl(child, kind)), minimum_should_match: 1 } };
  }
}

function textQuery(words: readonly string[], prefix: boolean): JsonObject {
  const text = words.join(" ");
  if (!prefix) return { match_phrase: { "fx.words": { query: text } } };
  if (words.length === 1) return { prefix: { "fx.words": { value: text } } };
  return { match_phrase_prefix: { "fx.words": { query: text, max_expansions: maxExpansions } } };
}

function fieldOf(field: string, kind: SearchKind): string {
  const found = Object.hasOwn(fieldsOf[kind], field) ? fieldsOf[kind][field] : undefined;
  if (found !== undefined) return found;
  throw new PlatformError("invalid-input", `there is no search by the field "${field}"`);
}

/** Of [from, to), which may be infinite. */
export function within(from: number, to: number): JsonObject[] {
  const limits = {
    ...(Number.isFinite(from) && { gte: Math.ceil(from) }),
    ...(Number.isFinite(to) && { lt: Math.ceil(to) }),
  };
  return Object.keys(limits).length === 0 ? [] : [{ range: { "fx.at": limits } }];
}
