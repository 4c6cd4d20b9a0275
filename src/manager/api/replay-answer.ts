import { z } from "zod";
import type { Replay } from "../../catalog/replays.ts";
import { effectKinds } from "../../executions/captured-effect.ts";
import { type Execution, executionStatuses, type Step } from "../../executions/execution.ts";
import type { ComparedReplay, ReplayedEntry } from "../replays/compare-replay.ts";
import { verdicts } from "../replays/verdict.ts";
import { timeText } from "./list-query.ts";

/** Characters of differences in one answer; what comes after is left out, and says so. */
const maxDiffTotal = 2 * 1024 * 1024;

export const replayAnswer = z
  .object({
    id: z.string(),
    correlationId: z.string(),
    versions: z.record(z.string(), z.string()).meta({ description: "What was asked for, by project/service." }),
    executions: z.int().meta({ description: "Executions that are run again." }),
    notReplayable: z.int(),
    createdAt: z.string(),
  })
  .meta({ id: "Replay" });

const side = z.object({
  executionId: z.string(),
  version: z.string(),
  status: z.enum(executionStatuses),
  exitCodes: z.array(z.int().nullable()).meta({ description: "Of the steps, in order." }),
  error: z.string().nullable(),
  durationMs: z.number().nullable(),
});

const emittedEvent = z.object({
  type: z.string(),
  source: z.string(),
  subject: z.string().nullable(),
  data: z.unknown().optional(),
  omitted: z.unknown().optional(),
});

const change = z.object({ path: z.string(), before: z.unknown().optional(), after: z.unknown().optional() });

const entryAnswer = z.object({
  project: z.string(),
  service: z.string(),
  verdict: z.enum(verdicts),
  reason: z.string().nullable().meta({ description: "Of `not-replayable`." }),
  original: side.nullable(),
  replay: side.nullable(),
  output: z.array(
    z.object({
      n: z.int(),
      script: z.string(),
      same: z.boolean(),
      diff: z.string().nullable().meta({ description: "Unified; lines of the original begin with -." }),
      truncated: z.boolean(),
    }),
  ),
  emitted: z.object({
    same: z.boolean(),
    removed: z.array(emittedEvent).meta({ description: "Sent by the original, not by the replay." }),
    added: z.array(emittedEvent),
    changed: z.array(z.object({ event: emittedEvent.omit({ data: true, omitted: true }), changes: z.array(change) })),
  }),
  effects: z
    .array(
      z.object({ n: z.int(), step: z.int(), kind: z.enum(effectKinds), content: z.record(z.string(), z.unknown()) }),
    )
    .meta({ description: "What the scripts asked for, recorded and not done. `step` is 0 where it is not known." }),
  effectCount: z.int().meta({ description: "How many they asked for; more than 1,000 are counted only." }),
});

export const replayDetail = replayAnswer
  .extend({
    status: z.enum(["running", "done"]),
    summary: z.object(Object.fromEntries(verdicts.map((verdict) => [verdict, z.int()]))),
    entries: z.array(entryAnswer),
  })
  .meta({ id: "ReplayDetail" });

export function replayAnswerOf(replay: Replay): z.output<typeof replayAnswer> {
  const { id, correlationId, versions, executions, notReplayable, createdAt } = replay;
  const count = notReplayable.length;
  return { id, correlationId, versions, executions, notReplayable: count, createdAt: timeText(createdAt) };
}

export function replayDetailOf(replay: Replay, compared: ComparedReplay): z.output<typeof replayDetail> {
  const budget = { left: maxDiffTotal };
  const entries = [
    ...compared.entries.map((entry) => entryOf(entry, budget)),
    ...compared.notReplayable.map(({ executionId, reason, original }) => ({
      project: original?.project ?? "",
      service: original?.service ?? "",
      verdict: "not-replayable" as const,
      reason: original ? reason : `${reason}; the execution ${executionId} itself is gone as well`,
      original: original ? sideOf(original, []) : null,
      replay: null,
      output: [],
      emitted: { same: true, removed: [], added: [], changed: [] },
      effects: [],
      effectCount: 0,
    })),
  ];
  const count = (verdict: string) => entries.filter((entry) => entry.verdict === verdict).length;
  return {
    ...replayAnswerOf(replay),
    status: count("running") > 0 ? "running" : "done",
    summary: Object.fromEntries(verdicts.map((verdict) => [verdict, count(verdict)])),
    entries,
  };
}

function entryOf(entry: ReplayedEntry, budget: { left: number }): z.output<typeof entryAnswer> {
  const { verdict, original, originalSteps, replayed, replayedSteps, emitted, captured } = entry;
  const output = entry.output.map((step) => {
    const left = budget.left;
    budget.left = Math.max(0, left - (step.diff?.length ?? 0));
    return step.diff !== null && step.diff.length > left ? { ...step, diff: null, truncated: true } : step;
  });
  return {
    project: replayed.project,
    service: replayed.service,
    verdict,
    reason: original ? null : "the original execution is past its retention",
    original: original ? sideOf(original, originalSteps) : null,
    replay: sideOf(replayed, replayedSteps),
    output,
    emitted,
    effects: [...captured.effects],
    effectCount: captured.count,
  };
}

function sideOf(execution: Execution, steps: readonly Step[]): z.output<typeof side> {
  const startedAt = "startedAt" in execution ? execution.startedAt : undefined;
  const finishedAt = "finishedAt" in execution ? execution.finishedAt : undefined;
  return {
    executionId: execution.id,
    version: execution.version,
    status: execution.status,
    exitCodes: steps.map(({ exitCode }) => exitCode ?? null),
    error: ("error" in execution ? execution.error?.message : undefined) ?? null,
    durationMs: startedAt === undefined || finishedAt === undefined ? null : finishedAt - startedAt,
  };
}
