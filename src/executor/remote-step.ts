import { type Clock, sleep, type Timer } from "../foundation/clock.ts";
import { isPlatformError, messageOf, type PlatformError } from "../foundation/errors.ts";
import { pauseAfter } from "../foundation/pause-after.ts";
import type { LimitName } from "../services/run-limits.ts";
import { OutputMeter } from "./output-meter.ts";
import { RelayedOutput } from "./relayed-output.ts";
import type { RunningStep, StepHost, StepRequest, StepResult } from "./step-runner.ts";

/** A longer timer fires at once; 24 days is as good as never. */
const longestTimerMs = 2 ** 31 - 1;
/** Between asking and killing for a step that ran out of time. */
const timeoutGraceMs = 1_000;
/** A step that was killed and does not end so long after is given up: whoever runs it does not answer. */
const giveUpMs = 20_000;
/** Removing what is left of a step may take so long. */
const clearMs = 10_000;
/** Between two tries to prepare a step while whoever runs it is away. */
const awayPause = { unitMs: 100, mostMs: 5000 };

type StopReason = Parameters<RunningStep["stop"]>[0];

/** What another program runs for us, once. Its methods are called in this order; `ask` and `kill` at any time after `start`. */
export interface RemoteWork {
  /** Everything that comes before the start. `signal` aborts when it need not start any more. */
  prepare(signal: AbortSignal): Promise<void>;
  start(signal: AbortSignal): Promise<void>;
  /** Resolves when it has ended and all that it wrote has been taken. Rejects when `signal` aborts. */
  ended(output: RelayedOutput, signal: AbortSignal): Promise<RemoteEnd>;
  /** Asks it to end. */
  ask(signal: AbortSignal): Promise<void>;
  kill(signal: AbortSignal): Promise<void>;
  /** Leaves nothing behind, whatever came before. */
  clear(signal: AbortSignal): Promise<RemoteWords>;
}

/** What came of the channel of one that has ended. */
export interface RemoteWords {
  /** Why what it sent is not all durable, if so (rule D9). */
  platformFailure?: string | undefined;
  /** The limit over which it failed, by its own account. */
  overrun?: LimitName | undefined;
}

export type RemoteEnd =
  | { kind: "exited"; exitCode: number }
  /** It used more than it may, and was ended for it. */
  | { kind: "overrun"; limit: LimitName; value: number }
  /** The same of a limit that is no key of the manifest, in words. */
  | { kind: "limited"; message: string }
  /** Whoever runs it has ended it at the request's timeout. */
  | { kind: "timeout" }
  /** It did not even start, and why. */
  | { kind: "unstartable"; message: string };

/**
 * One step that another program runs, from its request to its result. No launcher holds it, so this holds its
 * lease: it is killed when that ends, and not started after (rule D8). A program that is away is waited for until there is
 * something to lose (rule D7).
 */
export class RemoteStep implements RunningStep {
  readonly result: Promise<StepResult>;
  readonly #request: StepRequest;
  readonly #host: StepHost;
  readonly #newWork: () => RemoteWork;
  #work: RemoteWork;
  readonly #clock: Clock;
  readonly #meter: OutputMeter;
  readonly #output: RelayedOutput;
  readonly #preparing = new AbortController();
  readonly #waiting = new AbortController();
  readonly #timers = new Set<Timer>();
  #lease: Timer;
  #started = false;
  #stopped: StopReason | undefined;
  #timedOut = false;

  constructor(request: StepRequest, host: StepHost, workFor: (host: StepHost) => RemoteWork, clock: Clock) {
    this.#request = request;
    this.#clock = clock;
    this.#meter = new OutputMeter(request.limits.outputBytes, () => this.#halt(0));
    this.#host = this.#meter.countingLogs(host);
    this.#newWork = () => workFor(this.#host);
    this.#work = this.#newWork();
    this.#output = new RelayedOutput(host, clock, request.outputCapBytes, this.#meter);
    this.#lease = clock.setTimer(request.ttlMs, () => this.stop("lease-lost", 0));
    this.result = this.#run();
  }

  keepAlive(ttlMs: number): void {
    this.#lease.cancel();
    this.#lease = this.#clock.setTimer(ttlMs, () => this.stop("lease-lost", 0));
  }

  stop(reason: StopReason, graceMs: number): void {
    this.#stopped ??= reason;
    this.#preparing.abort();
    this.#halt(graceMs);
  }

  async #run(): Promise<StepResult> {
    let end: RemoteEnd | StepResult;
    try {
      await this.#prepare();
      end = await this.#startAndWait();
    } catch (error) {
      // What was refused will be refused again; what did not answer may answer the next time.
      const kind = isPlatformError(error) && !error.retryable ? "unstartable" : "lost";
      end = { kind, message: messageOf(error) };
    }
    this.#lease.cancel();
    for (const timer of this.#timers) timer.cancel();
    return this.#resultOf(end, await this.#clear());
  }

  async #prepare(): Promise<void> {
    const { signal } = this.#preparing;
    for (let failures = 0; ; failures += 1) {
      try {
        return await this.#work.prepare(signal);
      } catch (error) {
        if (signal.aborted || !isPlatformError(error) || !error.retryable) throw error;
        if (failures === 0) await this.#sayThatItWaits(error);
        await this.#clearWork();
        await sleep(this.#clock, pauseAfter(failures, awayPause), signal);
        if (signal.aborted) throw error;
        this.#work = this.#newWork();
      }
    }
  }

  /** Where whoever waits for the run looks first: in its log. */
  async #sayThatItWaits({ message }: PlatformError): Promise<void> {
    await this.#host.log({ level: "warning", message: `waits: ${message}`, at: this.#clock.now() });
  }

  async #startAndWait(): Promise<RemoteEnd> {
    // From here on a stop must wait for the start to know what to kill; a lease that is over starts nothing (rule D8).
    this.#preparing.signal.throwIfAborted();
    await this.#work.start(this.#preparing.signal);
    this.#started = true;
    this.#after(Math.min(this.#request.timeoutMs, longestTimerMs), () => {
      this.#timedOut = true;
      this.#halt(timeoutGraceMs);
    });
    if (this.#stopped !== undefined) this.#halt(0);
    return this.#work.ended(this.#output, this.#waiting.signal);
  }

  #halt(graceMs: number): void {
    if (!this.#started) return;
    const { signal } = this.#waiting;
    if (graceMs > 0) this.#work.ask(signal).catch(() => {});
    this.#after(graceMs, () => this.#kill());
    this.#after(graceMs + giveUpMs, () => this.#waiting.abort());
  }

  /** Again and again until it has ended or is given up: one call that failed must not let it live. */
  #kill(): void {
    const again = () => this.#after(500, () => this.#kill());
    this.#work.kill(this.#waiting.signal).then(again, again);
  }

  #after(delayMs: number, run: () => void): void {
    if (this.#waiting.signal.aborted) return;
    const timer = this.#clock.setTimer(delayMs, () => {
      this.#timers.delete(timer);
      run();
    });
    this.#timers.add(timer);
  }

  async #clear(): Promise<RemoteWords> {
    this.#waiting.abort();
    return this.#clearWork();
  }

  async #clearWork(): Promise<RemoteWords> {
    const clearing = new AbortController();
    const late = this.#clock.setTimer(clearMs, () => clearing.abort());
    try {
      return await this.#work.clear(clearing.signal);
    } finally {
      late.cancel();
    }
  }

  #resultOf(end: RemoteEnd | StepResult, { platformFailure, overrun }: RemoteWords): StepResult {
    const { seen } = this.#output;
    if (this.#stopped !== undefined) return { kind: "stopped", reason: this.#stopped, ...seen };
    const failure = platformFailure ?? this.#output.failure;
    if (failure !== undefined) {
      return { kind: "lost", message: `not all that it sent could be kept: ${failure}` };
    }
    if (this.#timedOut || end.kind === "timeout")
      return { kind: "timeout", timeoutMs: this.#request.timeoutMs, ...seen };
    const { limits } = this.#request;
    if (this.#meter.isPassed && limits.outputBytes !== undefined)
      return { ...seen, kind: "overrun", limit: "outputBytes", value: limits.outputBytes };
    const value = overrun && limits[overrun];
    if (end.kind === "exited" && end.exitCode !== 0 && overrun !== undefined && value !== undefined)
      return { ...seen, kind: "overrun", limit: overrun, value };
    return end.kind === "lost" || end.kind === "unstartable" ? end : { ...seen, ...end };
  }
}
