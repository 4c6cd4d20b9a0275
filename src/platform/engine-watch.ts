import type { Clock } from "../foundation/clock.ts";
import type { Log } from "../foundation/log.ts";
import { Loop } from "../foundation/loop.ts";
import { Outage } from "../foundation/outage.ts";
import { type ProbedStores, statesOf } from "../manager/api/store-states.ts";

const everyMs = 5000;

export interface EngineWatchParts {
  stores: ProbedStores;
  clock: Clock;
  log: Log;
}

/** Says in the log, once, which engine is away, and when it is back: also where nothing of this process has to do with it at the moment. */
export class EngineWatch {
  readonly #parts: EngineWatchParts;
  readonly #outages = new Map<string, Outage>();
  readonly #loop: Loop;

  constructor(parts: EngineWatchParts) {
    this.#parts = parts;
    const { clock, log } = parts;
    this.#loop = new Loop({ name: "engines", clock, log, idleMs: everyMs, work: () => this.#look() });
  }

  start(): void {
    this.#loop.start();
  }

  async stop(): Promise<void> {
    await this.#loop.stop();
  }

  async #look(): Promise<void> {
    const { stores, clock } = this.#parts;
    for (const [name, state] of Object.entries(await statesOf(stores, clock))) {
      const outage = this.#outageOf(name);
      if (state === undefined) outage.worked();
      else outage.failed(state);
    }
  }

  #outageOf(engine: string): Outage {
    const { clock, log } = this.#parts;
    const known = this.#outages.get(engine);
    if (known) return known;
    const told = { fails: "an engine is away; what needs it waits", works: "the engine is back", facts: { engine } };
    const outage = new Outage({ clock, log, ...told });
    this.#outages.set(engine, outage);
    return outage;
  }
}
