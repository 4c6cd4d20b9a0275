import { z } from "zod";
import { parseServiceRef } from "../../services/names.ts";

/** `project/name`; a bare name belongs to the project `default`. */
export const serviceQuery = z
  .string()
  .transform((text, context) => {
    const ref = parseServiceRef(text);
    if (ref) return ref;
    context.addIssue({ code: "custom", message: `must be project/name; found "${text}"` });
    return z.NEVER;
  })
  .optional();
