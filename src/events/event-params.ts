import type { JsonObject } from "../foundation/json.ts";
import type { CloudEvent } from "./cloud-event.ts";

/** The event's data as a script's parameters: an object as it is, anything else under the name `data`. */
export function paramsOf({ data }: CloudEvent): JsonObject {
  if (data === undefined) return {};
  return typeof data === "object" && data !== null && !Array.isArray(data) ? data : { data };
}
