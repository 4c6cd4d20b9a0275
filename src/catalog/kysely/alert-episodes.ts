import {
  type AlertEpisode,
  alertRaisedEvent,
  alertResolvedEvent,
  type EpisodeEnd,
} from "../../alerts/alert-episode.ts";
import type { AlertRule } from "../../alerts/alert-rule.ts";
import type { Turn } from "../../alerts/judgement.ts";
import type { AlertId, AlertRuleId } from "../../foundation/ids.ts";
import { parseServiceRef } from "../../services/names.ts";
import { announce } from "./outbox.ts";
import type { StoreContext, Tx } from "./store-context.ts";
import type { AlertEpisodesTable } from "./tables.ts";

/** Begins and ends the episodes of one subject, with the events that tell of it (rule D1). The caller holds the alerts. */
export async function turnEpisodes(
  { ids }: StoreContext,
  tx: Tx,
  rule: AlertRule,
  subject: string,
  turns: readonly Turn[],
  now: number,
): Promise<void> {
  for (const { turn, at, summary, facts } of turns) {
    if (turn === "resolved") {
      await endEpisodes(tx, rule.id, "passed", now, { subject, at, summary });
      continue;
    }
    const episode: AlertEpisode = {
      id: ids.next() as AlertId,
      ruleId: rule.id,
      ruleName: rule.name,
      kind: rule.condition.kind,
      severity: rule.severity,
      description: rule.description,
      subject,
      project: rule.project ?? projectOf(rule, subject),
      summary,
      facts,
      raisedAt: Math.round(at),
      end: undefined,
    };
    await tx.insertInto("alert_episodes").values(rowOf(episode)).execute();
    await announce(tx, [alertRaisedEvent(episode, now)]);
  }
}

/** Ends those of the rule that are open, of one subject or of all. */
export async function endEpisodes(
  tx: Tx,
  ruleId: AlertRuleId,
  why: EpisodeEnd["why"],
  now: number,
  found?: { subject: string; at: number; summary: string },
): Promise<void> {
  let query = tx
    .selectFrom("alert_episodes")
    .selectAll()
    .where("rule_id", "=", ruleId)
    .where("resolved_at", "is", null);
  if (found) query = query.where("subject", "=", found.subject);
  for (const row of await query.execute()) {
    const end = { at: Math.round(found?.at ?? now), why, summary: found?.summary };
    await tx
      .updateTable("alert_episodes")
      .set({ resolved_at: end.at, resolution: why, resolved_summary: end.summary ?? null })
      .where("id", "=", row.id)
      .execute();
    await announce(tx, [alertResolvedEvent({ ...episodeOf(row), end }, now)]);
  }
}

export function episodeOf(row: AlertEpisodesTable): AlertEpisode {
  const { resolved_at: at, resolution: why } = row;
  return {
    id: row.id,
    ruleId: row.rule_id,
    ruleName: row.rule_name,
    kind: row.kind,
    severity: row.severity,
    description: row.description ?? undefined,
    subject: row.subject,
    project: row.project ?? undefined,
    summary: row.summary,
    facts: JSON.parse(row.facts),
    raisedAt: row.raised_at,
    end: at === null || why === null ? undefined : { at, why, summary: row.resolved_summary ?? undefined },
  };
}

function rowOf(episode: AlertEpisode): AlertEpisodesTable {
  return {
    id: episode.id,
    rule_id: episode.ruleId,
    rule_name: episode.ruleName,
    kind: episode.kind,
    severity: episode.severity,
    description: episode.description ?? null,
    subject: episode.subject,
    project: episode.project ?? null,
    summary: episode.summary,
    facts: JSON.stringify(episode.facts),
    raised_at: episode.raisedAt,
    resolved_at: null,
    resolution: null,
    resolved_summary: null,
  };
}

/** An alert about a service is its project's business. */
function projectOf({ condition }: AlertRule, subject: string): string | undefined {
  return condition.kind === "silence" ? undefined : parseServiceRef(subject)?.project;
}
