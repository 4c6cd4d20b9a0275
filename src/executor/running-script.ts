import type { Clock, Timer } from "../foundation/clock.ts";
import { messageOf } from "../foundation/errors.ts";
import { welcomeTo } from "./channel/channel-message.ts";
import type { ChannelEnd, OpenChannel, SlotChannel, StepChannel } from "./channel/slot-channel.ts";
import type { LaunchEnd, Launched, LaunchListener } from "./launcher/launcher.ts";
import { OutputMeter } from "./output-meter.ts";
import { type StopReason, stepResultOf } from "./step-end.ts";
import type { RunningStep, StepHost, StepRequest, StepResult } from "./step-runner.ts";

/** Between SIGTERM and SIGKILL for a script that ran out of time. */
export const timeoutGraceMs = 1_000;
/** A longer timer fires at once; 24 days is as good as never. */
export const longestTimerMs = 2 ** 31 - 1;

/** Starts the script's process, which may live for `ttlMs` unless kept alive. */
export type Launch = (ttlMs: number, listener: LaunchListener) => Launched;

/** Where a step's process finds what belongs to it alone. */
export interface StepPlace {
  nonce: string;
  channelPath: string;
  scratch: string;
  /** JSON of what the process is told when it dials; undefined: it is told later. */
  welcome?: string;
  /** It is started before its run is known, and waits to be told. */
  isAhead?: true;
}

export interface ScriptParts {
  clock: Clock;
  /** Why the script cannot run at all; undefined: it can. */
  resolve(): Promise<string | undefined>;
  channel(): Promise<StepChannel>;
  scratch(): Promise<string>;
  clearScratch(): Promise<void>;
  /** For a process that goes on. */
  emptyScratch(): Promise<void>;
  /** Modules that the script has imported, for whoever starts it next. */
  learn(modules: readonly string[]): void;
  /** Resolves when it can be launched at once. */
  prepare(place: StepPlace): Promise<Launch>;
  /** Of a process that was there already: whether it has ended before it was told of its run. Then the step has another. */
  isUnbegun?(): boolean;
}

/** Of a slot, whose channel any process there may dial. */
export interface SlotParts extends ScriptParts {
  channel(): Promise<SlotChannel>;
}

/** One step from its request to its result. */
export class RunningScript implements RunningStep {
  readonly result: Promise<StepResult>;
  readonly #request: StepRequest;
  readonly #host: StepHost;
  readonly #deadlineMs: number;
  #parts: ScriptParts;
  readonly #meter: OutputMeter;
  #launched: Launched | undefined;
  #stop: { reason: StopReason; graceMs: number } | undefined;
  #ttl: { untilMs: number } | undefined;
  #timedOut = false;
  #outputBytes = 0;
  #hasErrorOutput = false;
  #hostFailure: string | undefined;
  #output: Promise<void> = Promise.resolve();

  /** `waiting`: a process that waits for it. */
  constructor(request: StepRequest, host: StepHost, parts: ScriptParts, waiting?: ScriptParts) {
    this.#request = request;
    this.#host = host;
    this.#deadlineMs = parts.clock.monotonic() + request.ttlMs;
    this.#parts = waiting ?? parts;
    this.#meter = new OutputMeter(request.limits.outputBytes, () => this.#launched?.stop(0));
    this.result = this.#run().then((result) => {
      if (this.#parts === parts || !this.#isUnbegun(result)) return result;
      this.#parts = parts;
      return this.#run();
    });
  }

  keepAlive(ttlMs: number): void {
    this.#ttl = { untilMs: this.#parts.clock.monotonic() + ttlMs };
    this.#launched?.keepAlive(ttlMs);
  }

  stop(reason: StopReason, graceMs: number): void {
    this.#stop = { reason: this.#stop?.reason ?? reason, graceMs };
    this.#launched?.stop(graceMs);
  }

  /** Nobody has stopped it, and no limit: its process was gone by itself. */
  #isUnbegun({ kind }: StepResult): boolean {
    return this.#parts.isUnbegun?.() === true && ["exited", "signalled", "lost"].includes(kind);
  }

  async #run(): Promise<StepResult> {
    let channel: OpenChannel | undefined;
    try {
      const hindrance = await this.#parts.resolve();
      if (hindrance !== undefined) return { kind: "unstartable", message: hindrance };
      const slotChannel = await this.#parts.channel();
      const scratch = await this.#parts.scratch();
      const { context, directory } = this.#request;
      channel = slotChannel.open(welcomeTo(context, directory), this.#meter.countingLogs(this.#host));
      const launch = await this.#parts.prepare({ ...channel, channelPath: slotChannel.path, scratch });
      // The time to live counts from the request: getting ready must not lengthen a lease.
      const ttlMs = (this.#ttl?.untilMs ?? this.#deadlineMs) - this.#parts.clock.monotonic();
      if (this.#stop || ttlMs <= 0) {
        await channel.close();
        return { kind: "stopped", reason: this.#stop?.reason ?? "lease-lost", outputBytes: 0, truncated: false };
      }
      const end = await this.#launch(launch, ttlMs);
      const channelEnd = await channel.close();
      if (channelEnd.imports) this.#parts.learn(channelEnd.imports);
      if ("truncated" in end && end.truncated) await this.#relayMark();
      await this.#output;
      return this.#resultOf(end, channelEnd);
    } catch (error) {
      return { kind: "lost", message: `the script could not be run: ${messageOf(error)}` };
    } finally {
      await channel?.close();
      await this.#parts.clearScratch().catch(() => {});
    }
  }

  #launch(launch: Launch, ttlMs: number): Promise<LaunchEnd> {
    const { clock } = this.#parts;
    return new Promise((resolve) => {
      let timeout: Timer | undefined;
      this.#launched = launch(ttlMs, {
        started: () => {
          timeout = clock.setTimer(Math.min(this.#request.timeoutMs, longestTimerMs), () => {
            this.#timedOut = true;
            this.#launched?.stop(timeoutGraceMs);
          });
        },
        output: (stream, bytes) => {
          this.#meter.add(bytes.length);
          this.#hasErrorOutput ||= stream === "stderr";
          return this.#relay(stream, bytes);
        },
        ended: (end) => {
          timeout?.cancel();
          this.#launched = undefined;
          resolve(end);
        },
      });
    });
  }

  /** Hands pieces to the host one at a time, in order; resolves when this one is handled. */
  #relay(stream: "stdout" | "stderr", bytes: Uint8Array): Promise<void> {
    this.#outputBytes += bytes.length;
    const at = this.#parts.clock.now();
    this.#output = this.#output.then(async () => {
      try {
        await this.#host.output({ stream, bytes, at });
      } catch (error) {
        this.#hostFailure ??= messageOf(error);
      }
    });
    return this.#output;
  }

  /** Whoever reads the whole output sees where it ends and why. Not counted as the script's. */
  async #relayMark(): Promise<void> {
    const counted = this.#outputBytes;
    const mark = `\n[cut here: at most ${this.#request.outputCapBytes} bytes of a step's output are kept]\n`;
    await this.#relay("stderr", Buffer.from(mark));
    this.#outputBytes = counted;
  }

  #resultOf(end: LaunchEnd, channel: ChannelEnd): StepResult {
    const known = {
      end: this.#asOverrun(end),
      outputBytes: this.#outputBytes,
      truncated: "truncated" in end && end.truncated,
      stopped: this.#stop?.reason,
      timedOut: this.#timedOut,
      failure: channel.platformFailure ?? this.#hostFailure,
      overrun: channel.overrun,
    };
    const result = stepResultOf(known, this.#request);
    const isMute = result.kind === "exited" && result.exitCode !== 0 && !this.#hasErrorOutput;
    return isMute ? { ...result, isMute } : result;
  }

  /** What was printed and what was logged come from two sides, so that nobody but this sees both. */
  #asOverrun(end: LaunchEnd): LaunchEnd {
    if (!this.#meter.isPassed || (end.kind !== "exited" && end.kind !== "signalled")) return end;
    return { kind: "overrun", limit: "outputBytes", truncated: end.truncated };
  }
}
