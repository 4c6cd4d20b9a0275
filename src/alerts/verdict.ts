import type { JsonObject } from "../foundation/json.ts";
import type { AlertKind, ConditionOf } from "./alert-rule.ts";
import type { Sighting } from "./sighting.ts";

/** What a rule says of a subject at a moment. */
export interface Verdict {
  fires: boolean;
  /** For people: "4 of 6 runs of default/hello failed within 5 min". */
  summary: string;
  facts: JsonObject;
}

/** How a kind of rule judges what it sees. States are JSON; they are changed in place. */
export interface Judge<Kind extends AlertKind, State> {
  /** Of a subject that nothing was seen of, watched from `since` on. */
  begin(since: number): State;
  see(condition: ConditionOf<Kind>, state: State, sighting: Sighting): void;
  /** `open`: it has fired, and not been resolved. Moments are asked for in their order. */
  verdict(condition: ConditionOf<Kind>, state: State, subject: string, at: number, open: boolean): Verdict;
  /** It fires for what is missing: time alone raises it only once all that came before has been seen. */
  waitsForAll?: true;
  /** When the verdict may change by time alone; undefined: it does not. */
  nextLook(condition: ConditionOf<Kind>, state: State, open: boolean): number | undefined;
}
