import type { ExecutionError } from "./execution.ts";

/** How an attempt ended, as its executor or the recovery tells it. */
export type AttemptOutcome =
  | { kind: "completed" }
  | { kind: "failed"; error: ExecutionError; retryInMs: number | undefined }
  | { kind: "cancelled" }
  | { kind: "lost"; error: ExecutionError };

export interface AttemptFacts {
  /** Attempts lost before this one. */
  losses: number;
  onLost: "retry" | "fail";
  cancelRequested: boolean;
  /** A lost attempt is repeated without a pause: what lost it is known to be over. */
  atOnce?: boolean;
}

/** What becomes of the execution. */
export type AttemptEnd =
  | { status: "completed" | "cancelled" }
  | { status: "failed"; error: ExecutionError; losses: number }
  | { status: "pending"; error: ExecutionError; delayMs: number; losses: number };

/**
 * A script's failure is tried again where its executor says so; a loss, which is the platform's
 * fault, up to `lossLimit` times and unless the work is unrepeatable (rule D7). Whoever asked to
 * cancel gets no further attempt; an attempt that completed all the same stays completed.
 */
export function endOfAttempt(outcome: AttemptOutcome, facts: AttemptFacts, lossLimit: number): AttemptEnd {
  const { losses, cancelRequested } = facts;
  switch (outcome.kind) {
    case "completed":
    case "cancelled":
      return { status: outcome.kind };
    case "failed": {
      const { error, retryInMs } = outcome;
      if (retryInMs === undefined) return { status: "failed", error, losses };
      if (cancelRequested) return { status: "cancelled" };
      return { status: "pending", error, delayMs: Math.max(0, retryInMs), losses };
    }
    case "lost":
      if (cancelRequested) return { status: "cancelled" };
      return afterLoss(outcome.error, { ...facts, losses: losses + 1 }, lossLimit);
  }
}

/** Pauses after the first losses, so that an outage of a moment does not use up all of them. */
const lossPausesMs = [1000, 5000];

function afterLoss(error: ExecutionError, { losses, onLost, atOnce }: AttemptFacts, lossLimit: number): AttemptEnd {
  if (onLost === "fail") {
    const message = `${error.message}; it is not run again because its manifest says "on_lost": "fail"`;
    return { status: "failed", error: { ...error, message }, losses };
  }
  if (losses >= lossLimit) {
    const message = `${error.message}; attempts were lost ${losses} times, which is the limit`;
    return { status: "failed", error: { ...error, message }, losses };
  }
  const delayMs = atOnce ? 0 : (lossPausesMs[Math.min(losses, lossPausesMs.length) - 1] as number);
  return { status: "pending", error, delayMs, losses };
}
