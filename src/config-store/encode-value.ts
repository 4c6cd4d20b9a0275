import { PlatformError } from "../foundation/errors.ts";
import type { Json } from "../foundation/json.ts";
import { maxValueBytes } from "./config-store.ts";

/** JSON of a value; throws `limit-exceeded`. `what` names it. */
export function encodeValue(value: Json, what: string): string {
  const text = JSON.stringify(value);
  const sizeBytes = Buffer.byteLength(text);
  if (sizeBytes <= maxValueBytes) return text;
  throw new PlatformError(
    "limit-exceeded",
    `${what} has ${sizeBytes} bytes of JSON, at most ${maxValueBytes} are kept`,
  );
}
