import { createTwoFilesPatch } from "diff";
import { type Execution, isTerminal, type Step } from "../../executions/execution.ts";

/** Lines that differ, past which two outputs are told to differ and no more. */
const maxEditLength = 2000;
/** Characters of one step's difference. */
const maxDiffLength = 16 * 1024;

export interface StepDiff {
  n: number;
  script: string;
  same: boolean;
  /** Unified, lines of the original with `-`; null where the outputs are the same, or too different for it. */
  diff: string | null;
  /** The difference is longer than what is given, or an output longer than what is compared. */
  truncated: boolean;
}

/** Steps of the last attempt: those before were repeated. */
export function lastSteps(execution: Execution, steps: readonly Step[]): Step[] {
  return isTerminal(execution.status) ? steps.filter(({ attempt }) => attempt === execution.attempt) : [];
}

/** Compares what the steps wrote, by the first 64 kB of each and its size. */
export function diffOutputs(original: readonly Step[], replayed: readonly Step[]): StepDiff[] {
  const numbers = [...new Set([...original, ...replayed].map(({ n }) => n))].sort((a, b) => a - b);
  return numbers.map((n) => {
    const before = original.find((step) => step.n === n);
    const after = replayed.find((step) => step.n === n);
    const script = (after ?? before)?.script ?? "";
    const sameSize = (before?.output.sizeBytes ?? 0) === (after?.output.sizeBytes ?? 0);
    const [left, right] = [before?.output.preview ?? "", after?.output.preview ?? ""];
    const cut = [before, after].some((step) => step && step.output.sizeBytes > Buffer.byteLength(step.output.preview));
    if (left === right) return { n, script, same: sameSize, diff: null, truncated: cut };
    const diff = unifiedDiff(left, right);
    const whole = diff !== undefined && diff.length <= maxDiffLength;
    return { n, script, same: false, diff: diff?.slice(0, maxDiffLength) ?? null, truncated: cut || !whole };
  });
}

/** Without the lines that name files: there are none. */
function unifiedDiff(before: string, after: string): string | undefined {
  const patch = createTwoFilesPatch("original", "replay", before, after, undefined, undefined, { maxEditLength });
  return patch?.split("\n").slice(3).join("\n");
}
