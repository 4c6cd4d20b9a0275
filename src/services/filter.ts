import { Environment } from "@marcbachmann/cel-js";
import type { CloudEvent } from "../events/cloud-event.ts";
import { messageOf, PlatformError } from "../foundation/errors.ts";

/** Longest accepted expression, in characters. */
export const maxFilterLength = 4096;

export type FilterVerdict = { matched: true } | { matched: false; reason: string };

/** A compiled CEL expression over `event`. Evaluation never throws and cannot loop. */
export interface Filter {
  test(event: CloudEvent): FilterVerdict;
  /** The expression's value as text, for concurrency keys; undefined when it cannot be computed. */
  text(event: CloudEvent): string | undefined;
  /** The expression's value in CEL's own types, for mappings. */
  value(event: CloudEvent): { ok: true; value: unknown } | { ok: false; reason: string };
}

const environment = new Environment({
  homogeneousAggregateLiterals: false,
  enableOptionalTypes: true,
  limits: { maxAstNodes: 1000, maxDepth: 50, maxListElements: 1000, maxMapEntries: 100, maxCallArguments: 16 },
}).registerVariable("event", "dyn");

/**
 * Every number of an event's JSON is a double in CEL, every plain number of an expression an int, and
 * CEL has no arithmetic across the two: `event.data.n % 10` would never match. Here it means what it says.
 */
const arithmetic: Record<string, (left: number, right: number) => number> = {
  "+": (left, right) => left + right,
  "-": (left, right) => left - right,
  "*": (left, right) => left * right,
  "/": (left, right) => left / right,
  "%": (left, right) => left % right,
};
for (const [operator, compute] of Object.entries(arithmetic)) {
  const mixed = (left: number | bigint, right: number | bigint) => compute(Number(left), Number(right));
  environment.registerOperator(`double ${operator} int: double`, mixed);
  environment.registerOperator(`int ${operator} double: double`, mixed);
}
environment.registerOperator("double % double: double", (left: number, right: number) => left % right);

/** Compiles an expression. Throws `invalid-input` with the parser's own place and reason. */
export function compileFilter(expression: string): Filter {
  if (expression.length > maxFilterLength) {
    throw new PlatformError("invalid-input", `filter is longer than ${maxFilterLength} characters`);
  }
  const evaluate = parse(expression);
  return {
    test(event) {
      try {
        const value: unknown = evaluate({ event });
        if (value === true) return { matched: true };
        if (value === false) return { matched: false, reason: `filter is false: ${expression}` };
        return { matched: false, reason: `filter is not true or false but ${typeof value}: ${expression}` };
      } catch (error) {
        // A missing key is no match, and the ledger says so.
        return { matched: false, reason: `filter could not be evaluated (${firstLine(error)}): ${expression}` };
      }
    },
    text(event) {
      try {
        const value: unknown = evaluate({ event });
        return value === null || value === undefined || typeof value === "object" ? undefined : String(value);
      } catch {
        return undefined;
      }
    },
    value(event) {
      try {
        return { ok: true, value: evaluate({ event }) as unknown };
      } catch (error) {
        return { ok: false, reason: `could not be evaluated (${firstLine(error)}): ${expression}` };
      }
    },
  };
}

/** `type`: what comes out, in CEL's words. Throws the parser's own error. */
export function parseExpression(expression: string) {
  const evaluate = environment.parse(expression);
  const check = evaluate.check();
  if (!check.valid) throw check.error ?? new Error("the expression's types do not fit");
  return { evaluate, type: check.type };
}

function parse(expression: string) {
  try {
    return parseExpression(expression).evaluate;
  } catch (error) {
    throw new PlatformError("invalid-input", `filter is not a valid CEL expression: ${firstLine(error)}`, {
      cause: error,
      problems: [{ path: "filter", message: messageOf(error) }],
    });
  }
}

export function firstLine(error: unknown): string {
  return messageOf(error).split("\n", 1)[0] ?? "";
}
