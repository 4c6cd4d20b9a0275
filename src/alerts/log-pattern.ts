import { type CountedWindow, count, emptyWindow, nextLeaving, sumAt } from "./counted-window.ts";
import { spanText } from "./span-text.ts";
import type { Judge } from "./verdict.ts";

interface State extends CountedWindow {
  lastLine?: { text: string; executionId: string } | undefined;
}

/** It holds as long as the window has so many lines. */
export const logPattern: Judge<"log_pattern", State> = {
  begin: emptyWindow,
  see({ window }, state, { key, at, text = "", executionId = "" }) {
    count(state, window * 1000, { key, at, bad: false });
    state.lastLine = { text, executionId };
  },
  verdict({ query, count: wanted, window }, state, _subject, at) {
    const { all } = sumAt(state, window * 1000, at);
    return {
      fires: all >= wanted,
      summary: `${all} ${all === 1 ? "line matches" : "lines match"} ${query} within ${spanText(window)}`,
      facts: {
        lines: all,
        ...(state.lastLine && { line: state.lastLine.text, executionId: state.lastLine.executionId }),
      },
    };
  },
  nextLook: ({ window }, state, open) => (open ? nextLeaving(state, window * 1000) : undefined),
};
