import type { Socket } from "node:net";
import type { Clock, Timer } from "../../foundation/clock.ts";
import type { Called, Welcome } from "../channel/channel-message.ts";
import { ChannelSession } from "../channel/channel-session.ts";
import { endOf, type OpenChannel, type SlotChannel, type StepChannel } from "../channel/slot-channel.ts";
import { encodeFrame, type FrameReader } from "../frame.ts";
import type { LaunchEnd, Launched, LaunchListener } from "../launcher/launcher.ts";
import { isEnding } from "../launcher/tree-usage.ts";
import type { Launch, StepPlace } from "../running-script.ts";
import type { StepHost } from "../step-runner.ts";
import { IdleWatch } from "../warm/idle-watch.ts";

/** For its start, and what it imports. From then on it may stay until it is given a run, or ended. */
const startMs = 60_000;

const nothing = Buffer.alloc(0);

export interface AheadProcessParts {
  clock: Clock;
  /** Its own. */
  channel: SlotChannel;
  scratch: string;
  /** What starts it there. */
  prepare(place: StepPlace): Promise<Launch>;
  /** It has dialled, after so long: all that it can do before its run is known is done. */
  ready(startMs: number): void;
}

/**
 * The process of one run, started before the run is known: it has its user, its limits and its channel, has imported what it is told
 * to, and waits for the first word on its channel. It gets that word once, so that no run sees anything of another.
 */
export class AheadProcess implements StepChannel {
  readonly path: string;
  readonly scratch: string;
  /** Resolves when nothing is left of it. */
  readonly ended: Promise<void>;
  readonly #clock: Clock;
  readonly #channel: SlotChannel;
  readonly #nonce: string;
  #forget: () => void;
  readonly #gone = Promise.withResolvers<void>();
  /** By whoever has its run; nobody, where it is ended without one. */
  readonly #taken = Promise.withResolvers<LaunchListener | undefined>();
  #listener: LaunchListener | undefined;
  #launched: Launched | undefined;
  #pid: number | undefined;
  #watch: Timer | undefined;
  #admitted: { socket: Socket; frames: FrameReader; waits: boolean } | undefined;
  #order: { welcome: string; host: StepHost } | undefined;
  #session: ChannelSession | undefined;
  #ended: LaunchEnd | undefined;
  #isReady = false;
  #isTaken = false;

  private constructor({ clock, channel, scratch, ready }: AheadProcessParts) {
    this.path = channel.path;
    this.scratch = scratch;
    this.ended = this.#gone.promise;
    this.#clock = clock;
    this.#channel = channel;
    const beganAt = clock.monotonic();
    const isReady = () => {
      this.#isReady = true;
      ready(clock.monotonic() - beganAt);
      this.#rest();
    };
    const { nonce, forget } = channel.expect((socket, frames, { waits = false }) => {
      this.#admitted = { socket, frames, waits };
      // Its one word more may have come with the first.
      if (waits && frames.read(nothing).next().done) socket.once("data", isReady);
      else isReady();
      this.#welcome();
    });
    this.#nonce = nonce;
    this.#forget = forget;
  }

  /** Resolves when it is being started; rejects when it cannot be. */
  static async start(parts: AheadProcessParts): Promise<AheadProcess> {
    const process = new AheadProcess(parts);
    const { path: channelPath, scratch } = process;
    try {
      process.#start(await parts.prepare({ nonce: process.#nonce, channelPath, scratch, isAhead: true }));
      return process;
    } catch (error) {
      process.#forget();
      throw error;
    }
  }

  get isReady(): boolean {
    return this.#isReady && this.#ended === undefined;
  }

  /** It has ended, or is about to without anybody's having heard of it yet. */
  get isOver(): boolean {
    return this.#ended !== undefined || (this.#pid !== undefined && isEnding(this.#pid));
  }

  /** It has ended without having been told of its run. */
  get isUnbegun(): boolean {
    return this.#ended !== undefined && this.#session === undefined;
  }

  /** It is somebody's: false where it is no good any more. Nobody else ends it from now on. */
  take(): boolean {
    this.#watch?.cancel();
    this.#isTaken = true;
    return !this.isOver;
  }

  /** What its run is told; it hears of it when it is launched. */
  open(welcome: Welcome, host: StepHost): OpenChannel {
    const text = JSON.stringify(welcome);
    this.#order = { welcome: text, host };
    const close = () => {
      this.#forget();
      return endOf(this.#session);
    };
    return { nonce: this.#nonce, welcome: text, close };
  }

  /** Gives it the run for which its channel was opened. From now on its end is the run's. */
  launch(ttlMs: number, listener: LaunchListener): Launched {
    this.#listener = listener;
    const launched = this.#launched as Launched;
    launched.keepAlive(ttlMs);
    this.#taken.resolve(listener);
    if (this.#pid !== undefined) listener.started(this.#pid);
    if (this.#ended) listener.ended(this.#ended);
    else this.#welcome();
    return launched;
  }

  /** Ends it, whatever it does. Resolves when it is gone. */
  async discard(): Promise<void> {
    this.#watch?.cancel();
    this.#forget();
    this.#taken.resolve(undefined);
    this.#launched?.stop(0);
    this.#admitted?.socket.destroy();
    await this.ended;
  }

  #start(launch: Launch): void {
    this.#launched = launch(startMs, {
      started: (pid) => {
        this.#pid = pid;
        this.#listener?.started(pid);
        this.#rest();
      },
      // What it prints before its run is known is the run's.
      output: (stream, bytes) =>
        this.#listener
          ? this.#listener.output(stream, bytes)
          : this.#taken.promise.then((listener) => listener?.output(stream, bytes)),
      ended: (end) => {
        this.#ended = end;
        this.#watch?.cancel();
        this.#listener?.ended(end);
        this.#gone.resolve();
      },
    });
  }

  /** It waits for its run: what it uses is counted again from then on, and until then it is to use no processor. */
  #rest(): void {
    if (!this.#isReady || this.#isTaken || this.#pid === undefined || this.#watch) return;
    this.#launched?.keepAlive(Infinity);
    this.#watch = new IdleWatch(this.#clock, this.#pid, () => void this.discard());
  }

  #welcome(): void {
    if (!this.#admitted || !this.#order || !this.#listener || this.#session) return;
    const { socket, frames, waits } = this.#admitted;
    if (socket.destroyed) return;
    if (waits) {
      this.#call(socket);
      return;
    }
    this.#session = new ChannelSession(socket, frames, this.#order.host, this.#clock);
    socket.write(encodeFrame(Buffer.from(this.#order.welcome)));
  }

  /** It dials once more, and works there. */
  #call(socket: Socket): void {
    const { nonce, forget } = this.#channel.expect((another, frames) => {
      this.#admitted = { socket: another, frames, waits: false };
      this.#welcome();
    });
    this.#forget = forget;
    const called: Called = { nonce };
    socket.end(encodeFrame(Buffer.from(JSON.stringify(called))));
  }
}
