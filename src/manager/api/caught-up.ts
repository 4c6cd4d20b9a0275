import type { Bus } from "../../bus/bus.ts";
import { type Execution, isTerminal, type Step } from "../../executions/execution.ts";
import { type Clock, sleep } from "../../foundation/clock.ts";
import type { OpsData } from "../../ops-data/ops-data.ts";

/** How long an answer waits for the sink: output of a run that has ended is on the backbone, but may not be stored yet. */
const maxWaitMs = 2000;
const pollMs = 20;

/** Resolves when what the steps of an ended execution wrote can be read, or after 2 s. */
export async function outputStored(
  { opsData, clock }: { opsData: OpsData; clock: Clock; bus: Bus },
  execution: Execution,
  steps: readonly Step[],
  stopped: AbortSignal,
): Promise<void> {
  if (!isTerminal(execution.status)) return;
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
