import { type Execution, isTerminal, type Step } from "../../executions/execution.ts";
import type { EmittedDiff } from "./emitted-diff.ts";
import type { StepDiff } from "./output-diff.ts";

export const verdicts = ["same", "differs", "failed-now", "fixed", "not-replayable", "running"] as const;
/** What a replayed execution says of its version. `running`: nothing yet. */
export type Verdict = (typeof verdicts)[number];

export interface Compared {
  original: Execution;
  replayed: Execution;
  originalSteps: readonly Step[];
  replayedSteps: readonly Step[];
  output: readonly StepDiff[];
  emitted: EmittedDiff;
}

/** The end counts first; then what was written, sent, and with which exit codes. Times do not count. */
export function verdictOf({ original, replayed, originalSteps, replayedSteps, output, emitted }: Compared): Verdict {
  if (!isTerminal(replayed.status)) return "running";
  if (original.status === "failed" && replayed.status === "completed") return "fixed";
  if (original.status !== "failed" && replayed.status === "failed") return "failed-now";
  const exits = (steps: readonly Step[]) => steps.map(({ exitCode }) => exitCode ?? "none").join();
  const same =
    original.status === replayed.status &&
    exits(originalSteps) === exits(replayedSteps) &&
    output.every((step) => step.same) &&
    emitted.same;
  return same ? "same" : "differs";
}
