import type { QueryFields } from "./query-fields.ts";
import type { QueryNode } from "./query-node.ts";

/** The text of a query; reading it again gives the same query. */
export function printQuery(node: QueryNode, fields: QueryFields): string {
  const inner = (child: QueryNode) =>
    child.kind === "and" || child.kind === "or" ? `(${printQuery(child, fields)})` : printQuery(child, fields);
  switch (node.kind) {
    case "all":
      return "*";
    case "text":
      return quoted(node.text, node.prefix);
    case "field":
      return `${node.field}:${quoted(node.value, node.prefix)}`;
    case "compare":
      return `${node.field}:${node.op}${comparedText(node.value, fields[node.field])}`;
    case "not":
      return `NOT ${inner(node.of)}`;
    case "and":
      return node.of.map(inner).join(" ");
    case "or":
      return node.of.map(inner).join(" OR ");
  }
}

function quoted(text: string, prefix: boolean): string {
  return `"${text.replace(/["\\]/g, "\\$&")}"${prefix ? "*" : ""}`;
}

function comparedText(value: number, type: QueryFields[string] | undefined): string {
  if (type?.kind === "level") return type.levels[value] ?? "";
  return type?.kind === "time" ? new Date(value).toISOString() : String(value);
}
