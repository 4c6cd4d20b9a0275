import type { Clock, Timer } from "./clock.ts";
import { endOfTurn } from "./turn.ts";

/**
 * For whoever waits in vain for something to read: `run` is called once the time is over and all that can be read was. A process
 * that stood still for so long itself has not read yet what is there.
 */
export function setSilenceTimer(clock: Clock, delayMs: number, run: () => void): Timer {
  let isCancelled = false;
  const timer = clock.setTimer(delayMs, () => {
    endOfTurn(() => {
      if (!isCancelled) run();
    });
  });
  return {
    cancel() {
      isCancelled = true;
      timer.cancel();
    },
  };
}
