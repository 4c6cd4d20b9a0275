/**
 * A search, read from text (docs/reference/log-query.md) or built by code. A driver of operational
 * data compiles it to what its engine understands. Lists of `and` and `or` have two entries or more
 * and none of their own kind.
 */
export type QueryNode =
  | { kind: "all" }
  /** The words of `text` (words.ts), one after the other; with `prefix` the last one may go on. */
  | { kind: "text"; text: string; prefix: boolean }
  | { kind: "field"; field: string; value: string; prefix: boolean }
  | { kind: "compare"; field: string; op: Comparison; value: number }
  | { kind: "not"; of: QueryNode }
  | { kind: "and" | "or"; of: readonly QueryNode[] };

export type Comparison = ">" | ">=" | "<" | "<=";

export function allOf(nodes: readonly QueryNode[]): QueryNode {
  return joined("and", nodes);
}

export function anyOf(nodes: readonly QueryNode[]): QueryNode {
  return joined("or", nodes);
}

function joined(kind: "and" | "or", nodes: readonly QueryNode[]): QueryNode {
  const of = nodes.flatMap((node) => (node.kind === kind ? node.of : [node]));
  return of.length === 1 && of[0] ? of[0] : { kind, of };
}
