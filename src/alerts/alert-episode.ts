import type { CloudEvent } from "../events/cloud-event.ts";
import { derivedEventId } from "../events/event-key.ts";
import { platformEventTypes } from "../events/reserved-types.ts";
import type { AlertId, AlertRuleId } from "../foundation/ids.ts";
import type { JsonObject } from "../foundation/json.ts";
import type { AlertKind, AlertSeverity } from "./alert-rule.ts";

/** From when a rule fires for a subject until it does no more. Of a rule and a subject at most one is open. */
export interface AlertEpisode {
  id: AlertId;
  ruleId: AlertRuleId;
  /** Of the rule, as it was. */
  ruleName: string;
  kind: AlertKind;
  severity: AlertSeverity;
  description: string | undefined;
  /** A service, an event type, or what else the rule judges by itself. */
  subject: string;
  /** Whose services see its events; undefined: those of all. */
  project: string | undefined;
  /** What was found when it was raised, for people and for programs. */
  summary: string;
  facts: JsonObject;
  raisedAt: number;
  end: EpisodeEnd | undefined;
}

/** `passed`: the rule does not fire any more. The others: a person changed, switched off or deleted the rule. */
export const episodeEnds = ["passed", "rule_changed", "rule_switched_off", "rule_deleted"] as const;

export interface EpisodeEnd {
  at: number;
  why: (typeof episodeEnds)[number];
  /** What was found then; undefined where nothing was looked for. */
  summary: string | undefined;
}

/** Tells that an episode began. Its id derives from the episode (rule D1): there is one, however often it is written or sent. */
export function alertRaisedEvent(episode: AlertEpisode, now: number): CloudEvent {
  return eventOf(episode, platformEventTypes.alertRaised, now, {});
}

/** Tells that it ended. It belongs to the flow of the event that told of its beginning. */
export function alertResolvedEvent(episode: AlertEpisode & { end: EpisodeEnd }, now: number): CloudEvent {
  const { at, why, summary } = episode.end;
  return {
    ...eventOf(episode, platformEventTypes.alertResolved, now, {
      resolvedAt: new Date(at).toISOString(),
      durationMs: Math.max(0, at - episode.raisedAt),
      resolution: why,
      ...(summary === undefined ? {} : { resolvedSummary: summary }),
    }),
    causationid: eventIdOf(episode, platformEventTypes.alertRaised),
  };
}

function eventOf(episode: AlertEpisode, type: string, now: number, more: JsonObject): CloudEvent {
  const { id, ruleId, ruleName, kind, severity, description, subject, project, summary, facts, raisedAt } = episode;
  return {
    specversion: "1.0",
    id: eventIdOf(episode, type),
    source: `/alerts/rules/${ruleId}`,
    type,
    subject,
    time: new Date(now).toISOString(),
    datacontenttype: "application/json",
    correlationid: derivedEventId("flow", ruleId, id),
    sequence: "0",
    ...(project === undefined ? {} : { fxproject: project }),
    data: {
      alertId: id,
      ruleId,
      rule: ruleName,
      kind,
      severity,
      ...(description === undefined ? {} : { description }),
      subject,
      summary,
      facts,
      raisedAt: new Date(raisedAt).toISOString(),
      ...more,
    },
  };
}

function eventIdOf({ ruleId, id }: AlertEpisode, type: string): string {
  return derivedEventId("alert", ruleId, id, type);
}
