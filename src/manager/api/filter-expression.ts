import { z } from "zod";
import { expressionProblem } from "../../services/expression-problem.ts";

/** A CEL expression that can be true or false for an event. */
export const filterExpression = z
  .string()
  .min(1)
  .superRefine((text, context) => {
    const message = expressionProblem(text, "condition");
    if (message !== undefined) context.addIssue({ code: "custom", message });
  });
