/** Runs `run` soon, so that work asked for meanwhile can be done together. */
export type Defer = (run: () => void) => void;

/** After everything that the event loop holds ready in this turn, e.g. every socket that can be read. */
export const endOfTurn: Defer = (run) => {
  setImmediate(run);
};

/** Milliseconds that a thread has spent waiting for something to do. */
export type IdleTime = () => number;

export const threadIdleTime: IdleTime = () => performance.eventLoopUtilization().idle;
