import type { Catalog } from "../../catalog/catalog.ts";
import type { NotReplayable, Replay } from "../../catalog/replays.ts";
import type { CloudEvent } from "../../events/cloud-event.ts";
import { isReservedType } from "../../events/reserved-types.ts";
import type { CapturedEffect } from "../../executions/captured-effect.ts";
import { type Execution, isTerminal, type Step } from "../../executions/execution.ts";
import { diffEmitted, type EmittedDiff } from "./emitted-diff.ts";
import { diffOutputs, lastSteps, type StepDiff } from "./output-diff.ts";
import { type Verdict, verdictOf } from "./verdict.ts";

/** Events of one flow that are looked through for what its executions sent. */
const maxFlowEvents = 10_000;
/** Flows that scripts began by a correlation of their own, looked through besides. */
const maxOtherFlows = 20;

export interface ReplayedEntry {
  verdict: Verdict;
  /** Undefined once retention took it. */
  original: Execution | undefined;
  originalSteps: readonly Step[];
  replayed: Execution;
  replayedSteps: readonly Step[];
  output: StepDiff[];
  emitted: EmittedDiff;
  captured: { effects: readonly CapturedEffect[]; count: number };
}

export interface ComparedReplay {
  entries: ReplayedEntry[];
  /** With the original, unless retention took it. */
  notReplayable: (NotReplayable & { original: Execution | undefined })[];
}

type Stores = Pick<Catalog, "executions" | "ledger" | "replays">;

/** Sets every execution of a replay beside its original. Reads only. */
export async function compareReplay(catalog: Stores, replay: Replay): Promise<ComparedReplay> {
  const sent = new SentEvents(catalog);
  const entries: ReplayedEntry[] = [];
  for (const replayed of await catalog.replays.executions(replay.id)) {
    entries.push(await compareExecution(catalog, replayed, sent));
  }
  const notReplayable = [];
  for (const { executionId, reason } of replay.notReplayable) {
    notReplayable.push({ executionId, reason, original: await catalog.executions.get(executionId) });
  }
  return { entries, notReplayable };
}

async function compareExecution(catalog: Stores, replayed: Execution, sent: SentEvents): Promise<ReplayedEntry> {
  const { executions, replays } = catalog;
  const original = replayed.retryOf === undefined ? undefined : await executions.get(replayed.retryOf);
  const originalSteps = original === undefined ? [] : lastSteps(original, await executions.steps(original.id));
  const replayedSteps = lastSteps(replayed, await executions.steps(replayed.id));
  const captured = await replays.captured(replayed.id);
  // Nothing to compare with, or not yet.
  const comparable = original !== undefined && isTerminal(replayed.status);
  const output = comparable ? diffOutputs(originalSteps, replayedSteps) : [];
  const emitted = diffEmitted(
    comparable ? await sent.by(original, correlationsOf(captured.effects)) : [],
    comparable ? captured.effects : [],
  );
  const sides = { replayed, originalSteps, replayedSteps, output, emitted };
  const verdict = original === undefined ? "not-replayable" : verdictOf({ original, ...sides });
  return { verdict, original, captured, ...sides };
}

function correlationsOf(effects: readonly CapturedEffect[]): Set<string> {
  return new Set(effects.filter(({ kind }) => kind === "emit").map(({ content }) => String(content.correlationid)));
}

/** Events that executions sent, found by the flows they are in. Each flow is read once. */
class SentEvents {
  readonly #catalog: Stores;
  readonly #flows = new Map<string, Map<string, CloudEvent[]>>();

  constructor(catalog: Stores) {
    this.#catalog = catalog;
  }

  async by({ id, correlationId }: Execution, others: ReadonlySet<string>): Promise<CloudEvent[]> {
    const flows = new Set([correlationId, ...others]);
    const found: CloudEvent[] = [];
    for (const flow of [...flows].slice(0, maxOtherFlows + 1)) found.push(...((await this.#read(flow)).get(id) ?? []));
    return found;
  }

  async #read(flow: string): Promise<Map<string, CloudEvent[]>> {
    const known = this.#flows.get(flow);
    if (known) return known;
    const byExecution = new Map<string, CloudEvent[]>();
    for (const { event } of await this.#catalog.ledger.flow(flow, maxFlowEvents)) {
      if (event.fxexecution === undefined || isReservedType(event.type)) continue;
      byExecution.set(event.fxexecution, [...(byExecution.get(event.fxexecution) ?? []), event]);
    }
    this.#flows.set(flow, byExecution);
    return byExecution;
  }
}
