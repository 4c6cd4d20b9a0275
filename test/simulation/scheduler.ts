import type { Clock } from "../../src/foundation/clock.ts";
import type { SeededRandom } from "./seeded-random.ts";

/**
 * One simulated operating-system process: what runs in it runs only while it lives and is not
 * paused. Killed, it never runs again: its timers and the answers to its calls are dropped.
 */
export class Domain {
  readonly name: string;
  alive = true;
  /** Paused (SIGSTOP) until this virtual time; what falls due meanwhile runs late. */
  pausedUntil = 0;
  /** How far its wall clock is off. The monotonic clock is never off. */
  skewMs = 0;
  /** Calls that were carried out and are not answered yet. */
  unanswered = 0;

  constructor(name: string) {
    this.name = name;
  }
}

interface Task {
  domain: Domain;
  run: () => void;
}

interface Alarm {
  at: number;
  order: number;
  domain: Domain;
  run: (() => void) | undefined;
}

/** The wall clock's reading when a simulation begins: an arbitrary fixed day. */
const epochMs = Date.UTC(2026, 0, 1);

/**
 * Runs everything in a simulated world in one thread, in an order that its seed alone decides. Time
 * is virtual: it moves to the next timer only when nothing else can run.
 */
export class Scheduler {
  readonly #random: SeededRandom;
  readonly #alarms: Alarm[] = [];
  #tasks: Task[] = [];
  readonly #nature = new Domain("nature");
  #order = 0;
  #nowMs = 0;
  /** Scheduling decisions taken so far. */
  steps = 0;

  constructor(random: SeededRandom) {
    this.#random = random;
  }

  /** Virtual milliseconds since the world began. */
  get nowMs(): number {
    return this.#nowMs;
  }

  /** Runs `run` when the seed says so, among everything else that can run. */
  enqueue(domain: Domain, run: () => void): void {
    if (domain.alive) this.#tasks.push({ domain, run });
  }

  /** A point where others may run, and where the domain may be killed for good. */
  yield(domain: Domain): Promise<void> {
    return new Promise((resolve) => this.enqueue(domain, resolve));
  }

  setTimer(domain: Domain, delayMs: number, run: () => void): { cancel(): void } {
    const alarm: Alarm = { at: this.#nowMs + Math.max(0, delayMs), order: this.#order++, domain, run };
    this.#push(alarm);
    return {
      cancel: () => {
        alarm.run = undefined;
      },
    };
  }

  sleep(domain: Domain, delayMs: number): Promise<void> {
    return new Promise((resolve) => this.setTimer(domain, delayMs, resolve));
  }

  /** SIGSTOP, and SIGCONT after `forMs`. */
  pause(domain: Domain, forMs: number): void {
    domain.pausedUntil = this.#nowMs + forMs;
    // Work that waited through the pause must not wait for somebody else's timer as well.
    this.setTimer(this.#nature, forMs, () => {});
  }

  clockOf(domain: Domain): Clock {
    return {
      now: () => epochMs + Math.round(this.#nowMs) + domain.skewMs,
      monotonic: () => this.#nowMs,
      setTimer: (delayMs, run) => this.setTimer(domain, delayMs, run),
    };
  }

  /**
   * Runs the world until `done` says so, which is asked each time before the clock moves. Answers
   * false when `untilMs` came first or `maxSteps` were taken.
   */
  async run(done: () => boolean | Promise<boolean>, untilMs: number, maxSteps: number): Promise<boolean> {
    const lastStep = this.steps + maxSteps;
    while (this.steps < lastStep) {
      // Every promise callback that can run has run when this resolves; nothing in a world uses real timers or I/O.
      await new Promise((resolve) => setImmediate(resolve));
      if (this.#runSome()) continue;
      if (await done()) return true;
      if (!this.#advance(untilMs)) return false;
    }
    return false;
  }

  #runSome(): boolean {
    this.#tasks = this.#tasks.filter(({ domain }) => domain.alive);
    const ready = this.#tasks.filter(({ domain }) => domain.pausedUntil <= this.#nowMs);
    if (ready.length === 0) return false;
    // Sometimes several at once: then their promise callbacks interleave, as those of concurrent calls do.
    let count = this.#random.chance(0.25) ? this.#random.between(1, Math.min(4, ready.length)) : 1;
    for (; count > 0; count -= 1) {
      const [task] = ready.splice(this.#random.below(ready.length), 1) as [Task];
      this.#tasks.splice(this.#tasks.indexOf(task), 1);
      this.steps += 1;
      if (task.domain.alive) task.run();
    }
    return true;
  }

  #advance(untilMs: number): boolean {
    for (;;) {
      const alarm = this.#alarms[0];
      if (alarm === undefined || alarm.at > untilMs) return false;
      this.#pop();
      if (alarm.run === undefined || !alarm.domain.alive) continue;
      if (alarm.domain.pausedUntil > alarm.at) {
        alarm.at = alarm.domain.pausedUntil;
        this.#push(alarm);
        continue;
      }
      this.#nowMs = Math.max(this.#nowMs, alarm.at);
      this.enqueue(alarm.domain, () => alarm.run?.());
      return true;
    }
  }

  #push(alarm: Alarm): void {
    const heap = this.#alarms;
    let index = heap.push(alarm) - 1;
    while (index > 0) {
      const parent = (index - 1) >> 1;
      if (!earlier(alarm, heap[parent] as Alarm)) break;
      heap[index] = heap[parent] as Alarm;
      index = parent;
    }
    heap[index] = alarm;
  }

  #pop(): void {
    const heap = this.#alarms;
    const last = heap.pop() as Alarm;
    if (heap.length === 0) return;
    let index = 0;
    for (;;) {
      let child = index * 2 + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && earlier(heap[child + 1] as Alarm, heap[child] as Alarm)) child += 1;
      if (!earlier(heap[child] as Alarm, last)) break;
      heap[index] = heap[child] as Alarm;
      index = child;
    }
    heap[index] = last;
  }
}

function earlier(left: Alarm, right: Alarm): boolean {
  return left.at < right.at || (left.at === right.at && left.order < right.order);
}
