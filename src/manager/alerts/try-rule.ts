import type { AlertRule } from "../../alerts/alert-rule.ts";
import { isStreamed, judge, type SubjectState, type Turn } from "../../alerts/judgement.ts";
import type { Sighting } from "../../alerts/sighting.ts";

/** An alert that would have been raised. */
export interface TriedAlert {
  subject: string;
  summary: string;
  raisedAt: number;
  /** Undefined: it would be open. */
  resolvedAt: number | undefined;
}

/** Has a rule judge what is known to be everything from `rule.since` to `until`, as it would have judged it then. */
export function tryRule(rule: AlertRule, sightings: readonly Sighting[], until: number): TriedAlert[] {
  if (!isStreamed(rule)) return [];
  const bySubject = Map.groupBy(sightings, ({ subject }) => subject);
  if (rule.condition.kind === "silence" && bySubject.size === 0) bySubject.set(rule.condition.type, []);
  return [...bySubject]
    .flatMap(([subject, own]) => alertsOf(subject, turnsOf(rule, subject, own, until)))
    .sort((left, right) => left.raisedAt - right.raisedAt);
}

function turnsOf(
  rule: Parameters<typeof judge>[0],
  subject: string,
  sightings: readonly Sighting[],
  until: number,
): Turn[] {
  let state: SubjectState = { state: undefined, judgedTo: rule.since, open: false };
  const turns: Turn[] = [];
  const go = (seen: readonly Sighting[], at: number) => {
    const judged = judge(rule, subject, state, seen, at);
    state = judged.next;
    turns.push(...judged.turns);
  };
  const inOrder = [...sightings].sort((left, right) => left.at - right.at);
  if (rule.condition.kind !== "silence") go(inOrder, until);
  else {
    for (const one of inOrder) {
      // Up to this event it is known that there was none.
      go([], one.at);
      go([one], one.at);
    }
    go([], until);
  }
  return turns;
}

function alertsOf(subject: string, turns: readonly Turn[]): TriedAlert[] {
  const alerts: TriedAlert[] = [];
  for (const { turn, at, summary } of turns) {
    const last = alerts.at(-1);
    if (turn === "raised") alerts.push({ subject, summary, raisedAt: at, resolvedAt: undefined });
    else if (last) last.resolvedAt = at;
  }
  return alerts;
}
