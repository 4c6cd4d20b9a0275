import { systemClock } from "../../foundation/clock.ts";
import { createIds } from "../../foundation/ids.ts";
import { systemRandom } from "../../foundation/random.ts";

export function newEventId(): string {
  return createIds(systemClock, systemRandom).next();
}
