import { z } from "zod";
import { isReservedType, platformEventTypes } from "./reserved-types.ts";

const shape = /^[^\s*]+$|^[^\s*]+\.\*$/;

/** Event types that a link or a mapping takes: one, or with a trailing `.*` all that begin so. */
export const eventTypePattern = z
  .string()
  .max(1024)
  .regex(shape, 'must be an event type, exact ("order.placed") or with a trailing ".*" ("order.*")')
  .superRefine((pattern, context) => {
    if (!shape.test(pattern) || !isReservedType(pattern) || takesSomeOf(pattern)) return;
    const message = `is none of the platform's own event types, which begin with "fx.": ${nearTypes(pattern).join(", ")}`;
    context.addIssue({ code: "custom", message });
  });

const platformTypes: readonly string[] = Object.values(platformEventTypes);

/** Nobody but the platform sends a type of its own (rule D3), so that any other would be waited for in vain. */
function takesSomeOf(pattern: string): boolean {
  if (!pattern.endsWith(".*")) return platformTypes.includes(pattern);
  return platformTypes.some((type) => type.startsWith(pattern.slice(0, -1)));
}

/** Those of the same group (`fx.execution.`), where it has any. */
function nearTypes(pattern: string): readonly string[] {
  const group = `${pattern.toLowerCase().split(".").slice(0, 2).join(".")}.`;
  const near = platformTypes.filter((type) => type.startsWith(group));
  return near.length > 0 ? near : platformTypes;
}
