import type { Clock, Timer } from "../../foundation/clock.ts";
import { processKey } from "../process-key.ts";
import type { SlotParts } from "../running-script.ts";
import type { RunningStep, StepHost, StepRequest } from "../step-runner.ts";
import { IdleWatch } from "./idle-watch.ts";
import { type Occupant, WarmProcess } from "./warm-process.ts";
import { WarmStep } from "./warm-step.ts";
import { Wear } from "./wear.ts";

/** A process that is idle for so long has no lease to keep to. */
const restMs = 1_000;
const maxIdleMs = 5 * 60_000;

export interface WarmHostsParts {
  clock: Clock;
  /** Slot numbers that belong to no step: each warm process has one, so that no other service's script shares its user (rule S2). */
  places: readonly number[];
  /** What a process in the slot of the request needs. */
  partsOf(request: StepRequest): SlotParts;
}

interface Hosted {
  readonly key: string;
  readonly process: WarmProcess;
  readonly wear: Wear;
  emptyScratch(): Promise<void>;
  idleSince: number;
  timer: Timer | undefined;
  watch: IdleWatch | undefined;
  /** Who waits for its place. */
  heir?: (place: number) => void;
}

/**
 * The warm processes of one executor. Each runs one script of one version of one service, one run at a time; runs that overlap
 * have several. Where no place is free, the one that was idle for longest makes room.
 */
export class WarmHosts {
  readonly #parts: WarmHostsParts;
  readonly #free: number[];
  readonly #all = new Map<WarmProcess, Hosted>();
  /** By key; the one that was used last is the last. */
  readonly #idle = new Map<string, Hosted[]>();
  readonly #starting = new Set<Promise<unknown>>();
  #closed = false;

  constructor(parts: WarmHostsParts) {
    this.#parts = parts;
    this.#free = [...parts.places].reverse();
  }

  /** Undefined: all places are taken by processes that are busy. */
  run(request: StepRequest, host: StepHost): RunningStep | undefined {
    const key = processKey(request);
    const idle = this.#takeIdle(key);
    const place = idle ? undefined : this.#takePlace();
    if (!idle && place === undefined) return undefined;
    return new WarmStep(request, host, {
      clock: this.#parts.clock,
      take: async (occupant) => {
        if (!idle) return this.#start(key, await (place as number | Promise<number>), request, occupant);
        idle.process.occupy(occupant);
        return idle.process;
      },
      release: (process) => this.#release(process),
    });
  }

  /** Ends all of them, the idle ones in their own way. No step may be under way. */
  async close(): Promise<void> {
    this.#closed = true;
    await Promise.all(this.#starting);
    await Promise.all([...this.#all.keys()].map((process) => process.retire()));
  }

  #takeIdle(key: string): Hosted | undefined {
    const idle = this.#idle.get(key);
    for (let found = idle?.pop(); found; found = idle?.pop()) {
      if (idle?.length === 0) this.#idle.delete(key);
      settle(found);
      if (found.process.isUsable) return found;
    }
    return undefined;
  }

  #takePlace(): number | Promise<number> | undefined {
    if (this.#closed) return undefined;
    const free = this.#free.pop();
    if (free !== undefined) return free;
    const [oldest] = [...this.#idle.values()].flat().sort((left, right) => left.idleSince - right.idleSince);
    if (!oldest) return undefined;
    return new Promise((resolve) => {
      oldest.heir = resolve;
      this.#retire(oldest);
    });
  }

  #start(key: string, place: number, request: StepRequest, occupant: Occupant): Promise<WarmProcess | string> {
    const starting = this.#open(key, place, request, occupant).finally(() => this.#starting.delete(starting));
    this.#starting.add(starting);
    return starting;
  }

  async #open(key: string, place: number, request: StepRequest, occupant: Occupant): Promise<WarmProcess | string> {
    const { clock, partsOf } = this.#parts;
    const {
      resolve,
      channel: open,
      scratch: lay,
      clearScratch,
      emptyScratch,
      prepare,
    } = partsOf({ ...request, slot: place });
    let process: WarmProcess | undefined;
    try {
      const hindrance = await resolve();
      if (hindrance !== undefined) return hindrance;
      const channel = await open();
      const scratch = await lay();
      const { directory, script, limits } = request;
      const parts = {
        clock,
        channel,
        scratch,
        hosting: { host: { directory, script } },
        prepare: (nonce: string) => prepare({ nonce, channelPath: channel.path, scratch }),
      };
      process = await WarmProcess.start(parts, occupant);
      const wear = new Wear(clock, limits);
      const hosted: Hosted = { key, process, wear, emptyScratch, idleSince: 0, timer: undefined, watch: undefined };
      this.#all.set(process, hosted);
      void process.ended.then(async () => {
        await clearScratch().catch(() => {});
        this.#leave(hosted, place);
      });
      return process;
    } finally {
      if (!process) this.#free.push(place);
    }
  }

  async #release(process: WarmProcess): Promise<void> {
    const hosted = this.#all.get(process);
    process.occupy(undefined);
    if (!hosted || process.isDoomed) return void (await process.ended);
    if (this.#closed || hosted.wear.isWorn(process)) return this.#retire(hosted);
    try {
      await hosted.emptyScratch();
    } catch {
      // It would find what the run before has left.
      return this.#retire(hosted);
    }
    // It may have died meanwhile, and its place be another's.
    if (process.isDoomed) return void (await process.ended);
    this.#rest(hosted);
  }

  #rest(hosted: Hosted): void {
    const { clock } = this.#parts;
    hosted.idleSince = clock.monotonic();
    this.#idle.set(hosted.key, [...(this.#idle.get(hosted.key) ?? []), hosted]);
    hosted.timer = clock.setTimer(Math.min(restMs, hosted.process.leftMs / 2), () => {
      hosted.process.keepAlive(Infinity);
      hosted.timer = clock.setTimer(maxIdleMs, () => this.#retire(hosted));
      hosted.watch = new IdleWatch(clock, hosted.process.pid, () => {
        hosted.process.stop(0);
        this.#retire(hosted);
      });
    });
  }

  #retire(hosted: Hosted): void {
    settle(hosted);
    this.#forget(hosted);
    void hosted.process.retire();
  }

  /** Its process is gone. */
  #leave(hosted: Hosted, place: number): void {
    settle(hosted);
    this.#forget(hosted);
    this.#all.delete(hosted.process);
    if (hosted.heir) hosted.heir(place);
    else this.#free.push(place);
  }

  #forget(hosted: Hosted): void {
    const others = this.#idle.get(hosted.key)?.filter((other) => other !== hosted) ?? [];
    if (others.length > 0) this.#idle.set(hosted.key, others);
    else this.#idle.delete(hosted.key);
  }
}

/** Nothing more is due while it is idle. */
function settle(hosted: Hosted): void {
  hosted.timer?.cancel();
  hosted.watch?.cancel();
  hosted.timer = hosted.watch = undefined;
}
