import { PlatformError } from "../../foundation/errors.ts";

/** The value, or `not-found` with this message. */
export function required<Value>(value: Value | undefined, message: string): Value {
  if (value === undefined) throw new PlatformError("not-found", message);
  return value;
}
