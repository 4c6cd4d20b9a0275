import { PlatformError } from "../foundation/errors.ts";
import { allOf, type QueryNode } from "./query-node.ts";

/** Milliseconds since the epoch: [from, to). */
export interface TimeRange {
  from: number;
  to: number;
}

/**
 * Takes the limits of time out of a query: a search walks through time, so that they narrow all of
 * it. They stand beside the other terms; throws `invalid-input` for one within OR or NOT.
 */
export function splitTimeRange(node: QueryNode, field = "at"): { node: QueryNode; range: TimeRange } {
  const range = { from: Number.NEGATIVE_INFINITY, to: Number.POSITIVE_INFINITY };
  const rest: QueryNode[] = [];
  for (const term of node.kind === "and" ? node.of : [node]) {
    if (term.kind === "compare" && term.field === field) narrow(range, term);
    else {
      refuseTimes(term, field);
      rest.push(term);
    }
  }
  return { node: rest.length === 0 ? { kind: "all" } : allOf(rest), range };
}

function narrow(range: TimeRange, { op, value }: { op: string; value: number }): void {
  if (op === ">=") range.from = Math.max(range.from, value);
  if (op === ">") range.from = Math.max(range.from, value + 1);
  if (op === "<") range.to = Math.min(range.to, value);
  if (op === "<=") range.to = Math.min(range.to, value + 1);
}

function refuseTimes(node: QueryNode, field: string): void {
  if (node.kind === "compare" && node.field === field) {
    throw new PlatformError(
      "invalid-input",
      `"${field}:" narrows the whole query: write it beside the other terms, not within OR or NOT`,
    );
  }
  if (node.kind === "not") refuseTimes(node.of, field);
  if (node.kind === "and" || node.kind === "or") for (const child of node.of) refuseTimes(child, field);
}
