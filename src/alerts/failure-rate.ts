import { type CountedWindow, count, emptyWindow, nextLeaving, sumAt } from "./counted-window.ts";
import { spanText } from "./span-text.ts";
import type { Judge } from "./verdict.ts";

interface State extends CountedWindow {
  lastFailed?: string | undefined;
}

/** Once it has fired it holds until the rate is below its limit, however few runs there are: half a window of failures is no recovery. */
export const failureRate: Judge<"failure_rate", State> = {
  begin: emptyWindow,
  see({ window }, state, { key, at, failed = false, executionId }) {
    count(state, window * 1000, { key, at, bad: failed });
    if (failed) state.lastFailed = executionId;
  },
  verdict({ window, percent, minimum }, state, subject, at, open) {
    const { all, bad } = sumAt(state, window * 1000, at);
    return {
      fires: all >= (open ? 1 : minimum) && bad * 100 >= percent * all,
      summary: `${bad} of ${all} ${all === 1 ? "run" : "runs"} of ${subject} failed within ${spanText(window)}`,
      facts: {
        ended: all,
        failed: bad,
        percent: all === 0 ? 0 : Math.round((bad * 1000) / all) / 10,
        ...(state.lastFailed === undefined ? {} : { executionId: state.lastFailed }),
      },
    };
  },
  nextLook({ window }, state, open) {
    const watched = open || state.counts.some(([, , bad]) => bad > 0);
    return watched ? nextLeaving(state, window * 1000) : undefined;
  },
};
