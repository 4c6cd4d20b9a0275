import { firstLine, maxFilterLength, parseExpression } from "./filter.ts";

/** What an expression is for: to be true or false, to be compared as text, or any value. */
export type ExpressionUse = "condition" | "key" | "value";

/** CEL's names of what can come out; `dyn`: it depends on the event. */
const fitting: Record<Exclude<ExpressionUse, "value">, { types: readonly string[]; words: string }> = {
  condition: { types: ["bool", "dyn"], words: "must be true or false" },
  key: {
    types: ["string", "int", "uint", "double", "bool", "dyn", "google.protobuf.Timestamp", "google.protobuf.Duration"],
    words: "must be text, a number, or true or false",
  },
};

/** Why a CEL expression cannot serve its use; undefined: it can, as far as that shows before an event comes. */
export function expressionProblem(expression: string, use: ExpressionUse): string | undefined {
  if (expression.length > maxFilterLength) return `must be at most ${maxFilterLength} characters`;
  let type: string | undefined;
  try {
    type = parseExpression(expression).type;
  } catch (error) {
    const reason = firstLine(error);
    return `is not a valid CEL expression: ${reason}${hint(reason)}`;
  }
  if (use === "value" || type === undefined || fitting[use].types.includes(type)) return undefined;
  return `${fitting[use].words}; its value is always of the type ${type}`;
}

function hint(reason: string): string {
  if (!reason.startsWith("Unknown variable: ")) return "";
  return " (all is in event: event.data, and its attributes, event.id, event.source, event.type, event.subject, event.time)";
}
