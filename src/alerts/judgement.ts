import type { Json } from "../foundation/json.ts";
import type { AlertCondition, AlertKind, AlertRule } from "./alert-rule.ts";
import { duration } from "./duration.ts";
import { failureRate } from "./failure-rate.ts";
import { logPattern } from "./log-pattern.ts";
import type { Sighting } from "./sighting.ts";
import { silence } from "./silence.ts";
import type { Judge, Verdict } from "./verdict.ts";

/** Kinds that judge what passes on the backbone. Lateness is judged by what the catalog knows of schedules. */
export type StreamedKind = Exclude<AlertKind, "lateness">;

// biome-ignore lint/suspicious/noExplicitAny: each is given conditions and states of its own kind only.
const judges: { [Kind in StreamedKind]: Judge<Kind, any> } = {
  failure_rate: failureRate,
  log_pattern: logPattern,
  silence,
  duration,
};

/** What is known of one subject of a rule. */
export interface SubjectState {
  /** JSON, as its kind keeps it; undefined: nothing was seen yet. */
  state: Json | undefined;
  /** The moment up to which it was judged; milliseconds since the epoch. */
  judgedTo: number;
  open: boolean;
}

/** An episode begins or ends. */
export interface Turn extends Omit<Verdict, "fires"> {
  turn: "raised" | "resolved";
  at: number;
}

export interface Judged {
  next: SubjectState & { state: Json };
  turns: Turn[];
  /** When it is to be judged again though nothing was seen; undefined: never. */
  lookAt: number | undefined;
}

export function isStreamed(rule: AlertRule): rule is AlertRule & { condition: { kind: StreamedKind } } {
  return rule.condition.kind !== "lateness";
}

/**
 * Judges one subject by what was seen of it, and then at the moment `until`, where it is given: all that came before
 * that has been seen. Time never goes back: what comes late counts at its own time, and is judged at the latest
 * moment that was judged before.
 */
export function judge(
  rule: AlertRule & { condition: { kind: StreamedKind } },
  subject: string,
  before: SubjectState,
  sightings: readonly Sighting[],
  until?: number,
): Judged {
  const condition: AlertCondition = rule.condition;
  const judge = judges[rule.condition.kind] as Judge<AlertKind, unknown>;
  const state = before.state === undefined ? judge.begin(rule.since) : structuredClone(before.state);
  const turns: Turn[] = [];
  let { judgedTo, open } = before;
  const judgeAt = (at: number) => {
    judgedTo = Math.max(judgedTo, at);
    const { fires, summary, facts } = judge.verdict(condition, state, subject, judgedTo, open);
    if (fires === open) return;
    open = fires;
    turns.push({ turn: fires ? "raised" : "resolved", at: judgedTo, summary, facts });
  };
  for (const sighting of [...sightings].sort((left, right) => left.at - right.at)) {
    // What time has ended before it came is ended before it counts.
    if (!judge.waitsForAll) passTime(sighting.at);
    judge.see(condition, state, sighting);
    judgeAt(sighting.at);
  }
  if (until !== undefined) passTime(until);
  return { next: { state: state as Json, judgedTo, open }, turns, lookAt: lookAt() };

  function lookAt(): number | undefined {
    const look = judge.nextLook(condition, state, open);
    return look === undefined ? undefined : Math.ceil(look);
  }

  /** Every moment up to this one at which time alone may have changed the verdict. */
  function passTime(at: number): void {
    for (;;) {
      const look = judge.nextLook(condition, state, open);
      if (look === undefined || look > at) return;
      const moment = Math.max(look, judgedTo);
      judgeAt(moment);
      if (judge.nextLook(condition, state, open) === look) return;
    }
  }
}
