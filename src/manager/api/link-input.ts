import { z } from "zod";
import { compileFilter } from "../../services/filter.ts";

/** Exact, or with a trailing `.*`. */
export const eventTypePattern = z
  .string()
  .max(1024)
  .regex(
    /^[^\s*]+$|^[^\s*]+\.\*$/,
    'must be an event type, exact ("order.placed") or with a trailing ".*" ("order.*")',
  );

/** A CEL expression that compiles. */
export const filterExpression = z
  .string()
  .min(1)
  .superRefine((text, context) => {
    try {
      compileFilter(text);
    } catch (error) {
      context.addIssue({ code: "custom", message: error instanceof Error ? error.message : String(error) });
    }
  });
