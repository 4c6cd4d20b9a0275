import { spanText } from "./span-text.ts";
import type { Judge } from "./verdict.ts";

interface State {
  /** Of the last event, or the beginning of the watch. */
  last: number;
}

/** Judged by the clock, once all that was sent before has been read; the next event resolves it. */
export const silence: Judge<"silence", State> = {
  waitsForAll: true,
  begin: (since) => ({ last: since }),
  see(_condition, state, { at }) {
    state.last = Math.max(state.last, at);
  },
  verdict({ type, for: allowed }, { last }, _subject, at) {
    const silentSeconds = Math.max(0, Math.floor((at - last) / 1000));
    return {
      fires: at - last >= allowed * 1000,
      summary: `no event of the type ${type} for ${spanText(silentSeconds)}`,
      facts: { type, since: new Date(last).toISOString(), silentSeconds },
    };
  },
  nextLook: ({ for: allowed }, { last }, open) => (open ? undefined : last + allowed * 1000),
};
