import { statSync } from "node:fs";
import type { Clock, Timer } from "../../foundation/clock.ts";
import { endOfTurn } from "../../foundation/turn.ts";
import { processKey } from "../process-key.ts";
import type { ScriptParts, SlotParts } from "../running-script.ts";
import type { ProcessRequest } from "../step-runner.ts";
import { AheadProcess } from "./ahead-process.ts";

const maxIdleMs = 5 * 60_000;
/** Scripts whose process ended before it had a run are started when they are needed, for so long. */
const barredMs = 60_000;
const maxRemembered = 1_000;

export interface StartedAheadParts {
  clock: Clock;
  /** Slot numbers that belong to no step: each process has one, so that no other service's script shares its user (rule S2). */
  places: readonly number[];
  /** What a process in the slot of the request needs. */
  partsOf(request: ProcessRequest): SlotParts;
  /** Whether the script's process can wait for its run. */
  canWait(request: ProcessRequest): boolean;
  /** Nothing that runs would be slowed down by a start now. */
  isCalm(): boolean;
}

interface Waiting {
  readonly key: string;
  readonly process: AheadProcess;
  readonly parts: ScriptParts;
  readonly place: number;
  /** The version's directory and its own, as they are named and as they were: somebody may tidy them away, and they be made anew. */
  readonly directories: ReadonlyMap<string, string>;
  readonly timer: Timer;
}

/** How a script is used, by the monotonic clock. */
interface Use {
  /** When a run of it ended last. */
  ranAt: number;
  /** Between its last two runs. */
  everyMs: number;
  /** What its start took that was ahead of a run. */
  startMs: number | undefined;
}

const neverUsed: Use = { ranAt: -Infinity, everyMs: Infinity, startMs: undefined };

/**
 * Processes started before there is a run for them: after a run of a script the next one's process is made ready, where there is
 * a place for it and a slot is free. Each takes one run, as any other process does; its start alone lies earlier than the event.
 *
 * Where all places are taken, a script gets that of another where a process that is there is worth twice as much to it: by the
 * time that its start takes and by how often it runs. With more scripts in turn than places some are thus always started ahead,
 * instead of each a moment too late.
 */
export class StartedAhead {
  readonly #parts: StartedAheadParts;
  readonly #free: number[];
  /** By key. */
  readonly #waiting = new Map<string, Waiting>();
  /** Scripts to start when it is calm. */
  readonly #wanted = new Map<string, ProcessRequest>();
  /** By key, of what ran lately. */
  readonly #uses = new Map<string, Use>();
  /** By key: until when, by the monotonic clock. */
  readonly #barred = new Map<string, number>();
  readonly #ending = new Set<Promise<void>>();
  #starting: Promise<void> | undefined;
  #closed = false;

  constructor(parts: StartedAheadParts) {
    this.#parts = parts;
    this.#free = [...parts.places].reverse();
  }

  /** Whether a process waits for a run of it, with nothing else left to do. */
  waits(request: ProcessRequest): boolean {
    return this.#waiting.get(processKey(request))?.process.isReady === true;
  }

  /** What a step runs in that has its process already; undefined: there is none for it. */
  take(request: ProcessRequest): ScriptParts | undefined {
    if (this.#waiting.size === 0) return undefined;
    const found = this.#waiting.get(processKey(request));
    if (!found) return undefined;
    this.#leave(found);
    if (!found.process.take() || [...found.directories].some(([path, identity]) => identityOf(path) !== identity)) {
      this.#end(found);
      return undefined;
    }
    const { process, parts } = found;
    return {
      ...parts,
      channel: async () => process,
      scratch: async () => process.scratch,
      isUnbegun: () => process.isUnbegun,
      prepare: async () => (ttlMs, listener) => process.launch(ttlMs, listener),
      clearScratch: () => this.#end(found),
    };
  }

  /** A run of the script has ended: the next one is made ready. */
  want(request: ProcessRequest): void {
    if (this.#closed || this.#parts.places.length === 0 || !this.#parts.canWait(request)) return;
    const key = processKey(request);
    const now = this.#parts.clock.monotonic();
    const known = this.#uses.get(key);
    const everyMs = known ? usually(known.everyMs, now - known.ranAt) : Infinity;
    remember(this.#uses, key, { ranAt: now, everyMs, startMs: known?.startMs }, maxRemembered);
    // It would be gone before the next run.
    if (known && everyMs > maxIdleMs) return;
    // Kept without its event, which may be large and is nobody's any more.
    const { service } = request.context;
    remember(this.#wanted, key, { ...request, context: { service } }, this.#parts.places.length);
    // The run that has just ended is none of those that run by then.
    endOfTurn(() => {
      this.#starting ??= this.#startWanted().finally(() => {
        this.#starting = undefined;
      });
    });
  }

  /** Starts nothing more. */
  stop(): void {
    this.#closed = true;
  }

  /** Ends all that wait. No step may be under way. */
  async close(): Promise<void> {
    this.stop();
    await this.#starting;
    for (const waiting of [...this.#waiting.values()]) {
      this.#leave(waiting);
      this.#end(waiting);
    }
    await Promise.all(this.#ending);
  }

  async #startWanted(): Promise<void> {
    for (const [key, request] of this.#wanted) {
      if (this.#closed || !this.#parts.isCalm()) return;
      this.#wanted.delete(key);
      if (this.#waiting.has(key) || this.#isBarred(key)) continue;
      const place = this.#free.pop() ?? (await this.#placeOfAnother(key));
      if (place === undefined) continue;
      await this.#start(key, place, { ...request, slot: place });
    }
  }

  async #start(key: string, place: number, request: ProcessRequest): Promise<void> {
    const { clock, partsOf } = this.#parts;
    const parts = partsOf(request);
    try {
      const hindrance = await parts.resolve();
      if (hindrance !== undefined) throw new Error(hindrance);
      const channel = await parts.channel();
      const scratch = await parts.scratch();
      const directories = new Map([request.directory, scratch].map((path) => [path, identityOf(path)]));
      const { prepare } = parts;
      const process = await AheadProcess.start({
        clock,
        channel,
        scratch,
        prepare,
        ready: (ms) => this.#took(key, ms),
      });
      const timer = clock.setTimer(maxIdleMs, () => this.#discard(waiting));
      const waiting: Waiting = { key, process, parts, place, directories, timer };
      this.#waiting.set(key, waiting);
      void process.ended.then(() => {
        if (this.#waiting.get(key) !== waiting) return;
        this.#bar(key);
        // Nobody makes room for it another time.
        if (this.#uses.get(key)?.startMs === undefined) this.#took(key, 0);
        this.#discard(waiting);
      });
    } catch {
      // The run itself will say what hinders it.
      this.#bar(key);
      this.#free.push(place);
    }
  }

  async #placeOfAnother(key: string): Promise<number | undefined> {
    const all = [...this.#waiting.values()].map((waiting) => ({ waiting, worth: this.#worth(waiting.key) }));
    const [least] = all.sort((left, right) => left.worth - right.worth);
    if (!least || this.#worth(key) <= 2 * least.worth) return undefined;
    await this.#discard(least.waiting);
    return this.#free.pop();
  }

  /** Milliseconds of starting that a process which is there saves in a millisecond. What was never started ahead is tried once. */
  #worth(key: string): number {
    const { ranAt, everyMs, startMs = Infinity } = this.#uses.get(key) ?? neverUsed;
    const sinceMs = this.#parts.clock.monotonic() - ranAt;
    return everyMs === Infinity ? 0 : startMs / Math.max(everyMs, sinceMs);
  }

  #took(key: string, startMs: number): void {
    const use = this.#uses.get(key);
    if (use) use.startMs = startMs;
  }

  #discard(waiting: Waiting): Promise<void> {
    this.#leave(waiting);
    return this.#end(waiting);
  }

  #leave(waiting: Waiting): void {
    waiting.timer.cancel();
    if (this.#waiting.get(waiting.key) === waiting) this.#waiting.delete(waiting.key);
  }

  /** Its place is another's once nothing of it is left. */
  #end({ process, parts, place }: Waiting): Promise<void> {
    const ending = process
      .discard()
      .then(() => parts.clearScratch())
      .catch(() => {})
      .finally(() => {
        this.#free.push(place);
        this.#ending.delete(ending);
      });
    this.#ending.add(ending);
    return ending;
  }

  #bar(key: string): void {
    remember(this.#barred, key, this.#parts.clock.monotonic() + barredMs, maxRemembered);
  }

  #isBarred(key: string): boolean {
    return (this.#barred.get(key) ?? 0) > this.#parts.clock.monotonic();
  }
}

/** The mean of the last few gaps, so that two runs by chance one after the other do not make a rare script a frequent one. */
function usually(everyMs: number, gapMs: number): number {
  return everyMs === Infinity ? gapMs : everyMs + (gapMs - everyMs) / 4;
}

/** As the newest of at most so many. */
function remember<Value>(map: Map<string, Value>, key: string, value: Value, most: number): void {
  map.delete(key);
  map.set(key, value);
  const [oldest] = map.keys();
  if (map.size > most && oldest !== undefined) map.delete(oldest);
}

function identityOf(directory: string): string {
  const { dev, ino } = statSync(directory, { throwIfNoEntry: false }) ?? {};
  return `${dev}:${ino}`;
}
