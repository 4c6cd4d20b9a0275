import { type Execution, isTerminal, type Step } from "../../executions/execution.ts";
import { type Clock, sleep } from "../../foundation/clock.ts";
import type { OpsData } from "../../ops-data/ops-data.ts";

/** How long an answer waits for the sink: output of a run that has ended is on the backbone, but may not be stored yet. */
const maxWaitMs = 2000;
const pollMs = 20;
/** What is not stored so long after the end will not come: retention took it, or it was lost. */
const lateMs = 30_000;

/** Resolves when what the steps of an ended execution wrote can be read, or after 2 s. */
export async function outputStored(
  { opsData, clock }: { opsData: OpsData; clock: Clock },
  execution: Execution,
  steps: readonly Step[],
  stopped: AbortSignal,
): Promise<void> {
  if (!isTerminal(execution.status) || !("finishedAt" in execution)) return;
  if (clock.now() - execution.finishedAt > lateMs) return;
  const deadline = clock.monotonic() + maxWaitMs;
  for (const step of steps) {
    const ref = { executionId: execution.id, attempt: step.attempt, step: step.n };
    while (clock.monotonic() < deadline && !stopped.aborted) {
      const { sizeBytes } = await opsData.output(ref, 0, 0);
      if (sizeBytes >= step.output.sizeBytes) break;
      await sleep(clock, pollMs, stopped);
    }
  }
}
