import type { ConditionOf } from "./alert-rule.ts";
import { type Deviation, deviationOf, learnDuration, nothingUsual, type UsualDuration } from "./usual-duration.ts";
import type { Judge } from "./verdict.ts";

interface State {
  usual: UsualDuration;
  /** Runs in a row that are far from the usual, and that are not. */
  far: number;
  near: number;
  lastAt: number;
  recent: string[];
  last?: { executionId: string; durationMs: number; deviation: Deviation } | undefined;
}

const maxRecent = 50;
/** A service that does not run any more is not slow any more. */
const forgottenMs = 86_400_000;

/** Fires after so many runs in a row that are far from the usual, and is resolved by as many that are not. */
export const duration: Judge<"duration", State> = {
  begin: (since) => ({ usual: nothingUsual(), far: 0, near: 0, lastAt: since, recent: [] }),
  see(condition, state, { key, at, durationMs = 0, executionId = "" }) {
    if (state.recent.includes(key)) return;
    state.recent.push(key);
    if (state.recent.length > maxRecent) state.recent.shift();
    state.lastAt = Math.max(state.lastAt, at);
    const deviation = deviationOf(state.usual, durationMs, at, condition.minimum);
    learnDuration(state.usual, durationMs, at);
    if (deviation === undefined) return;
    const far = isFar(condition, deviation.deviations);
    state.far = far ? state.far + 1 : 0;
    state.near = far ? 0 : state.near + 1;
    state.last = { executionId, durationMs: Math.round(durationMs), deviation };
  },
  verdict({ runs }, { far, near, lastAt, last }, subject, at, open) {
    const { executionId = "", durationMs = 0, deviation } = last ?? {};
    const { usualMs = 0, deviations = 0, ofHour = false } = deviation ?? {};
    return {
      fires: open ? near < runs && at - lastAt < forgottenMs : far >= runs,
      summary: `${subject} took ${durationMs} ms; ${usualMs} ms are usual${ofHour ? " at this hour of the week" : ""}`,
      facts: { durationMs, usualMs, deviations: Math.round(deviations * 10) / 10, ofHour, runs: far, executionId },
    };
  },
  nextLook: (_condition, { lastAt }, open) => (open ? lastAt + forgottenMs : undefined),
};

function isFar({ direction, deviations: allowed }: ConditionOf<"duration">, deviations: number): boolean {
  switch (direction) {
    case "slower":
      return deviations >= allowed;
    case "faster":
      return deviations <= -allowed;
    case "either":
      return Math.abs(deviations) >= allowed;
  }
}
