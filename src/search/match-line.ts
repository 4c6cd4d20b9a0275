import { type LogLevelName, logLevels } from "./query-fields.ts";
import type { QueryNode } from "./query-node.ts";
import { wordsOf } from "./words.ts";

/** A line of output or logging, as a query sees it. */
export interface SearchedLine {
  text: string;
  level: LogLevelName;
  /** `project/name`. */
  service: string;
  project: string;
  execution: string;
  flow: string | undefined;
  script: string;
  stream: string;
  attempt: number;
  step: number;
}

/** Whether a search for this query would find the line. The query has no limits of time in it. */
export function matchesLine(node: QueryNode, line: SearchedLine): boolean {
  switch (node.kind) {
    case "all":
      return true;
    case "text":
      return hasWords(wordsOf(line.text), wordsOf(node.text), node.prefix);
    case "field": {
      const value = String(fieldOf(line, node.field) ?? "");
      return node.prefix ? value.startsWith(node.value) : value === node.value;
    }
    case "compare": {
      const number = node.field === "level" ? logLevels.indexOf(line.level) : Number(fieldOf(line, node.field));
      return holds(number, node.op, node.value);
    }
    case "not":
      return !matchesLine(node.of, line);
    case "and":
      return node.of.every((child) => matchesLine(child, line));
    case "or":
      return node.of.some((child) => matchesLine(child, line));
  }
}

function fieldOf(line: SearchedLine, field: string): string | number | undefined {
  return line[field as keyof SearchedLine];
}

/** The words one after the other; with `prefix` the last may go on. */
function hasWords(words: readonly string[], wanted: readonly string[], prefix: boolean): boolean {
  const last = wanted.length - 1;
  return words.some((_, from) =>
    wanted.every((word, index) => {
      const found = words[from + index];
      return index === last && prefix ? found?.startsWith(word) : found === word;
    }),
  );
}

function holds(number: number, op: ">" | ">=" | "<" | "<=", limit: number): boolean {
  switch (op) {
    case ">":
      return number > limit;
    case ">=":
      return number >= limit;
    case "<":
      return number < limit;
    case "<=":
      return number <= limit;
  }
}
