import type { Clock, Timer } from "../../foundation/clock.ts";
import { messageOf } from "../../foundation/errors.ts";
import type { LimitName } from "../../services/run-limits.ts";
import { Asks } from "../channel/asks.ts";
import { welcomeTo } from "../channel/channel-message.ts";
import type { LaunchEnd } from "../launcher/launcher.ts";
import { ownProcessorMs, processorMs } from "../launcher/tree-usage.ts";
import { OutputMeter } from "../output-meter.ts";
import { RelayedOutput } from "../relayed-output.ts";
import { longestTimerMs, timeoutGraceMs } from "../running-script.ts";
import { type StopReason, stepResultOf } from "../step-end.ts";
import type { OutputChunk, RunningStep, StepHost, StepRequest, StepResult } from "../step-runner.ts";
import type { HostWord } from "./read-host-word.ts";
import { StepOutput } from "./step-output.ts";
import { unheardCode } from "./warm-message.ts";
import type { Occupant, WarmProcess } from "./warm-process.ts";

/** Shorter runs cost no look at what they use, and no message about their lease. */
const attendMs = 250;

export interface WarmStepParts {
  clock: Clock;
  /** Resolves with a process that `occupant` was given and that can run, or has ended. A text: why there is none. */
  take(occupant: Occupant): Promise<WarmProcess | string>;
  /** Resolves when the process may be given to another, or is gone. */
  release(process: WarmProcess): Promise<void>;
}

/** One step, as one of the runs of a warm process. */
export class WarmStep implements RunningStep, Occupant {
  readonly result: Promise<StepResult>;
  readonly #request: StepRequest;
  readonly #parts: WarmStepParts;
  readonly #asks: Asks;
  readonly #output: StepOutput;
  readonly #end = Promise.withResolvers<LaunchEnd>();
  readonly #timers: Timer[] = [];
  #process: WarmProcess | undefined;
  #run = 0;
  /** What the process said of the end of the run. */
  #exit: LaunchEnd | undefined;
  #isOver = false;
  /** Processor time that its process had had before, with all that it had started. */
  #earlierMs = 0;
  #isDraining = false;
  /** How often its process had been kept alive when it was for this step. */
  #keptAlive = Infinity;
  #stop: { reason: StopReason; graceMs: number } | undefined;
  #aliveUntil: number;
  #timedOut = false;
  #hungUp = false;
  /** The limit that it was stopped for. */
  #overrun: LimitName | undefined;
  #asksDone: (() => void) | undefined;

  constructor(request: StepRequest, host: StepHost, parts: WarmStepParts) {
    this.#request = request;
    this.#parts = parts;
    this.#aliveUntil = parts.clock.monotonic() + request.ttlMs;
    const meter = new OutputMeter(request.limits.outputBytes, () => this.#overran("outputBytes"));
    this.#asks = new Asks(meter.countingLogs(host), parts.clock, {
      answer: (answer) => this.#process?.say(answer),
      // It would not hear why.
      refused: () => this.#process?.stop(0),
      handled: () => {
        this.#listen();
        if (this.#asks.isDone) this.#asksDone?.();
      },
    });
    const relayed = new RelayedOutput(host, parts.clock, request.outputCapBytes, meter);
    this.#output = new StepOutput(relayed, () => this.#listen());
    this.result = this.#toResult();
  }

  keepAlive(ttlMs: number): void {
    this.#aliveUntil = this.#parts.clock.monotonic() + ttlMs;
    this.#process?.keepAlive(ttlMs);
  }

  stop(reason: StopReason, graceMs: number): void {
    this.#stop = { reason: this.#stop?.reason ?? reason, graceMs };
    this.#process?.stop(graceMs);
  }

  given(process: WarmProcess): void {
    this.#process = process;
    if (this.#stop) process.stop(this.#stop.graceMs);
    else if (this.#timedOut) process.stop(0);
  }

  heard(word: HostWord, sizeBytes: number): void {
    if (word.kind === "ready" || word.run !== this.#run || this.#isOver) return;
    switch (word.kind) {
      case "output":
        void this.#output.heard(word.stream, word.bytes);
        break;
      case "ask":
        void this.#asks.take(word.words, sizeBytes);
        break;
      case "drain":
        void this.#answerDrain(word.id);
        break;
      case "ended":
        this.#isOver = true;
        void this.#ended(word);
    }
    this.#listen();
  }

  output(stream: OutputChunk["stream"], bytes: Uint8Array): Promise<void> {
    return this.#output.piped(stream, bytes);
  }

  hungUp(): void {
    if (!this.#isOver) this.#hungUp = true;
  }

  /** Surely this run, if its process had been kept alive for it before. Else it may have been an earlier one. */
  refused(keptAlive: number): void {
    if (keptAlive >= this.#keptAlive && !this.#isOver) this.#overran("processes");
  }

  gone(end: LaunchEnd): void {
    this.#isOver = true;
    void this.#output.settled().then(() => this.#end.resolve(this.#exit ?? this.#asUnheard(end)));
  }

  async #toResult(): Promise<StepResult> {
    const { clock, take, release } = this.#parts;
    this.#timers.push(clock.setTimer(Math.min(this.#request.timeoutMs, longestTimerMs), () => this.#timeOut()));
    try {
      const process = await take(this);
      if (typeof process === "string") return { kind: "unstartable", message: process };
      if (this.#aliveUntil <= clock.monotonic()) this.#stop ??= { reason: "lease-lost", graceMs: 0 };
      const end = this.#stop ? neverBegun : await this.#turn(process);
      this.#isOver = true;
      await this.#allHandled();
      await release(process);
      return this.#resultOf(end);
    } catch (error) {
      return { kind: "lost", message: `the script could not be run: ${messageOf(error)}` };
    } finally {
      for (const timer of this.#timers) timer.cancel();
    }
  }

  #turn(process: WarmProcess): Promise<LaunchEnd> {
    if (process.isDoomed) return this.#end.promise;
    const { clock } = this.#parts;
    const { context, directory, executionId, limits } = this.#request;
    const { scratch } = process;
    // What earlier runs have started is gone.
    if (limits.cpuSeconds !== undefined) this.#earlierMs = ownProcessorMs(process.pid);
    process.keepAliveRoughly(this.#aliveUntil - clock.monotonic());
    this.#run = process.begin({
      welcome: welcomeTo(context, directory),
      env: { FX_EXECUTION_ID: executionId, FX_SCRATCH: scratch, HOME: scratch, TMPDIR: scratch },
      scratch,
      cpuSeconds: limits.cpuSeconds,
    });
    this.#timers.push(clock.setTimer(attendMs, () => this.#attend(process)));
    return this.#end.promise;
  }

  /** It lasts: from now on its lease is kept to the moment, and its processor time is looked at. */
  #attend(process: WarmProcess): void {
    const { clock } = this.#parts;
    process.keepAlive(this.#aliveUntil - clock.monotonic());
    this.#keptAlive = process.keptAlive;
    if (this.#request.limits.cpuSeconds === undefined) return;
    const look = () => {
      if (this.#isOver || this.#hasPassedTime(processorMs(process.pid))) return;
      this.#timers.push(clock.setTimer(attendMs, look));
    };
    look();
  }

  /** `usedMs`: of its process in all its runs, with what these have started. */
  #hasPassedTime(usedMs: number): boolean {
    const { cpuSeconds = Infinity } = this.#request.limits;
    if (usedMs - this.#earlierMs <= cpuSeconds * 1000) return false;
    this.#overran("cpuSeconds");
    return true;
  }

  #timeOut(): void {
    this.#timedOut = true;
    this.#process?.stop(timeoutGraceMs);
  }

  #overran(limit: LimitName): void {
    this.#overrun ??= limit;
    this.#process?.stop(0);
  }

  roomAgain(): void {
    this.#listen();
  }

  #listen(): void {
    const process = this.#process;
    process?.listen(process.hasRoom && !this.#isDraining && !this.#asks.isFull && !this.#output.isFull);
  }

  /** One at a time: it is for whoever waits for the answer. */
  async #answerDrain(id: number): Promise<void> {
    this.#isDraining = true;
    await this.#drained();
    this.#isDraining = false;
    this.#process?.say({ id, value: null });
    this.#listen();
  }

  /** What was written to the pipes until now is among the output. */
  async #drained(): Promise<void> {
    await this.#process?.drain();
    await this.#output.settled();
  }

  async #ended({ code, leftovers, piped }: Extract<HostWord, { kind: "ended" }>): Promise<void> {
    this.#exit = { kind: "exited", code, truncated: false };
    const process = this.#process as WarmProcess;
    if (this.#request.limits.cpuSeconds !== undefined) this.#hasPassedTime(ownProcessorMs(process.pid));
    if (piped) await this.#drained();
    if (leftovers.length > 0) {
      const message = `the run has left behind: ${leftovers.join(", ")}. Its warm process is ended, and the next run starts another`;
      await this.#asks.take({ op: "log", level: "warning", message }, 0);
    }
    // What it left is gone before its outcome is known; and who was told to stop is no good for another run.
    if (leftovers.length > 0 || this.#asks.overrun !== undefined || process.isDoomed) process.stop(0);
    else this.#end.resolve(this.#exit);
  }

  /** Whoever reads that it was killed is told why. */
  #asUnheard(end: LaunchEnd): LaunchEnd {
    const isUnheard = end.kind === "exited" && end.code === unheardCode;
    if (!isUnheard && !this.#hungUp) return end;
    const message =
      "the script has closed the descriptors by which its process speaks with the platform: what it said since then is lost, its process is ended, and the next run starts another";
    void this.#asks.take({ op: "log", level: "error", message }, 0);
    return isUnheard ? { ...end, code: 1 } : end;
  }

  async #allHandled(): Promise<void> {
    if (!this.#asks.isDone) {
      await new Promise<void>((resolve) => {
        this.#asksDone = resolve;
      });
    }
    await this.#output.written;
  }

  #resultOf(end: LaunchEnd): StepResult {
    const known = {
      end: this.#asEndOfRun(end),
      ...this.#output.seen,
      stopped: this.#stop?.reason,
      timedOut: this.#timedOut,
      failure: this.#asks.platformFailure ?? this.#output.failure,
      overrun: this.#asks.overrun,
    };
    return stepResultOf(known, this.#request);
  }

  #asEndOfRun(end: LaunchEnd): LaunchEnd {
    if (this.#overrun && end.kind !== "lost") return { kind: "overrun", limit: this.#overrun, truncated: false };
    // What the process has used in all its runs says nothing of this one.
    return end.kind === "signalled" ? { kind: end.kind, signal: end.signal, truncated: false } : end;
  }
}

/** Of a step that was stopped before: nothing is made of it. */
const neverBegun: LaunchEnd = { kind: "exited", code: 0, truncated: false };
