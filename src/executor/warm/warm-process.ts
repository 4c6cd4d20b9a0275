import type { Socket } from "node:net";
import type { Clock, Timer } from "../../foundation/clock.ts";
import { setSilenceTimer } from "../../foundation/silence-timer.ts";
import { maxUnreadAnswers } from "../channel/asks.ts";
import type { SlotChannel } from "../channel/slot-channel.ts";
import { encodeFrame, type FrameReader } from "../frame.ts";
import type { LaunchEnd, Launched } from "../launcher/launcher.ts";
import { isEnding } from "../launcher/tree-usage.ts";
import type { Launch } from "../running-script.ts";
import { type HostWord, readHostWord } from "./read-host-word.ts";
import type { Hosting, RunOrder, ToHost } from "./warm-message.ts";

/** After its end, what its socket still holds is read; one that somebody holds open is cut after so long without a byte. */
const heldSocketMs = 1_000;
/** For what the modules of a service do at the end of their process. */
const retireMs = 1_000;
/** Whoever is so near to its end may be killed before it hears otherwise. */
const nearEndMs = 100;

const nothing = Buffer.alloc(0);

/** Who has the process now. */
export interface Occupant {
  /** It is this one's from now on, though it may still be starting. */
  given(process: WarmProcess): void;
  heard(word: HostWord, sizeBytes: number): void;
  /** It has read of its answers, or never will: more may be asked for. */
  roomAgain(): void;
  /** It can say nothing more, though it lives. It is being ended. */
  hungUp(): void;
  /** Refused a process, for the limit of them, after it had been kept alive so often. */
  refused(keptAlive: number): void;
  /** By the pipes of the process, from whoever writes to its descriptors. */
  output(stream: "stdout" | "stderr", bytes: Uint8Array): void | Promise<void>;
  /** The process has ended; nothing more will be heard of it. */
  gone(end: LaunchEnd): void;
}

export interface WarmProcessParts {
  clock: Clock;
  /** Its own. */
  channel: SlotChannel;
  scratch: string;
  hosting: Hosting;
  /** From the nonce that it is to show, what starts it. */
  prepare(nonce: string): Promise<Launch>;
}

/** One process that runs one script again and again, one run at a time, until it is stopped or has ended. */
export class WarmProcess {
  readonly scratch: string;
  /** Resolves when it has ended and all that it said is heard. */
  readonly ended: Promise<LaunchEnd>;
  readonly #clock: Clock;
  readonly #hosting: Hosting;
  readonly #end = Promise.withResolvers<LaunchEnd>();
  readonly #ready = Promise.withResolvers<void>();
  #occupant: Occupant | undefined;
  #runs = 0;
  #pipedBytes = 0;
  #openFiles = 0;
  #keptAlive = 0;
  #launched: Launched | undefined;
  #socket: Socket | undefined;
  #frames: FrameReader | undefined;
  #launchEnd: LaunchEnd | undefined;
  #held: Timer | undefined;
  #pid = 0;
  #isPaused = false;
  #isDoomed = false;
  /** By the monotonic clock: when it is killed unless it is told of a later moment. Undefined: never. */
  #aliveUntil: number | undefined;

  private constructor({ clock, hosting, scratch }: WarmProcessParts, occupant: Occupant) {
    this.scratch = scratch;
    this.#hosting = hosting;
    this.#clock = clock;
    this.ended = this.#end.promise;
    this.occupy(occupant);
  }

  /** Resolves when it is ready to run, or has ended before; rejects when it cannot be launched. `occupant`: who waits for it. */
  static async start(parts: WarmProcessParts, occupant: Occupant): Promise<WarmProcess> {
    const process = new WarmProcess(parts, occupant);
    const { nonce, forget } = parts.channel.expect((socket, frames) => process.#admit(socket, frames));
    try {
      process.#launch(await parts.prepare(nonce));
      await Promise.race([process.#ready.promise, process.ended]);
    } finally {
      forget();
    }
    return process;
  }

  get pid(): number {
    return this.#pid;
  }

  /** Runs that it was given. */
  get runs(): number {
    return this.#runs;
  }

  /** What came by its pipes, in all its runs. */
  get pipedBytes(): number {
    return this.#pipedBytes;
  }

  /** By its own account at the end of its last run: the lowest descriptor that was free. */
  get openFiles(): number {
    return this.#openFiles;
  }

  /** How often it was. */
  get keptAlive(): number {
    return this.#keptAlive;
  }

  /** It reads what it is answered. One that has ended reads nothing, and what it asked for is taken all the same. */
  get hasRoom(): boolean {
    return this.#launchEnd !== undefined || (this.#socket?.writableLength ?? 0) <= maxUnreadAnswers;
  }

  /** It runs nothing more. */
  get isDoomed(): boolean {
    return this.#isDoomed || this.#launchEnd !== undefined;
  }

  /** It may be given to somebody. */
  get isUsable(): boolean {
    return !this.isDoomed && this.leftMs > nearEndMs;
  }

  /** Until it is killed, unless it is kept alive. */
  get leftMs(): number {
    return (this.#aliveUntil ?? Infinity) - this.#clock.monotonic();
  }

  occupy(occupant: Occupant | undefined): void {
    this.#occupant = occupant;
    occupant?.given(this);
  }

  /** Gives it a run, and answers the run's number. */
  begin(order: Omit<RunOrder, "run">): number {
    this.#runs += 1;
    this.say({ run: this.#runs, ...order });
    return this.#runs;
  }

  say(message: ToHost): void {
    if (this.#socket?.writable) this.#socket.write(encodeFrame(Buffer.from(JSON.stringify(message))));
  }

  /** Lets it speak, or leaves what it says in its socket until further notice. */
  listen(isOn: boolean): void {
    if (this.#isPaused !== isOn) return;
    this.#isPaused = !isOn;
    if (!isOn) return void this.#socket?.pause();
    this.#read(nothing);
    if (!this.#isPaused) this.#socket?.resume();
  }

  drain(): Promise<void> {
    return this.#launched?.drain() ?? Promise.resolve();
  }

  /** It is killed at that moment unless it is told of a later one (rule D8). Infinity: never. */
  keepAlive(ttlMs: number): void {
    this.#aliveUntil = ttlMs === Infinity ? undefined : this.#clock.monotonic() + ttlMs;
    if (!this.#launched) return;
    this.#keptAlive += 1;
    this.#launched.keepAlive(ttlMs);
  }

  /**
   * As `keepAlive`, and saves most messages to the launcher: the moment may come sooner, but not before half of the time. So
   * a run that lasts is to be kept alive by its exact time, before that.
   */
  keepAliveRoughly(ttlMs: number): void {
    const { leftMs } = this;
    if (leftMs > ttlMs || leftMs < ttlMs / 2) this.keepAlive(ttlMs);
  }

  /** It runs nothing more: SIGTERM to it and all of its group, SIGKILL after `graceMs`. */
  stop(graceMs: number): void {
    this.#isDoomed = true;
    this.#launched?.stop(graceMs);
  }

  /** It is not needed any more: ends by itself, and is killed where it does not. Resolves when it is gone. */
  async retire(): Promise<void> {
    this.#isDoomed = true;
    if (!this.#socket) this.stop(0);
    this.#socket?.end();
    const late = this.#clock.setTimer(retireMs, () => this.stop(0));
    await this.ended;
    late.cancel();
  }

  #launch(launch: Launch): void {
    if (this.#isDoomed) {
      this.#finish({ kind: "lost", message: "it was stopped before it was started" });
      return;
    }
    this.#launched = launch(Infinity, {
      started: (pid) => {
        this.#pid = pid;
      },
      output: (stream, bytes) => {
        this.#pipedBytes += bytes.length;
        return this.#occupant?.output(stream, bytes);
      },
      refused: (keptAlive) => this.#occupant?.refused(keptAlive),
      ended: (end) => {
        this.#launchEnd = end;
        this.#occupant?.roomAgain();
        if (!this.#socket || this.#socket.destroyed) this.#finish(end);
        else this.#giveUpHeldSocket();
      },
    });
  }

  #admit(socket: Socket, frames: FrameReader): void {
    this.#socket = socket;
    this.#frames = frames;
    this.say(this.#hosting);
    socket.on("data", (chunk: Buffer) => this.#read(chunk));
    socket.on("drain", () => this.#occupant?.roomAgain());
    socket.on("close", () => {
      this.#held?.cancel();
      // It cannot report any more, whatever it does.
      if (this.#launchEnd) this.#finish(this.#launchEnd);
      else if (!this.#isDoomed) this.#hungUp();
    });
  }

  #read(chunk: Buffer): void {
    if (this.#held) this.#giveUpHeldSocket();
    try {
      for (const frame of this.#frames?.read(chunk) ?? []) {
        const word = readHostWord(frame);
        if (word?.kind === "ended") this.#openFiles = word.openFiles;
        if (word?.kind === "ready") this.#ready.resolve();
        else if (word) this.#occupant?.heard(word, frame.length);
        // What is left of the chunk stays with the reader.
        if (this.#isPaused) return;
      }
    } catch {
      // No host's words: what follows cannot be read either.
      this.#socket?.destroy();
    }
  }

  #hungUp(): void {
    // At the end of a process its files are closed before anybody hears of it.
    if (this.#pid !== 0 && !isEnding(this.#pid)) this.#occupant?.hungUp();
    this.stop(0);
  }

  #giveUpHeldSocket(): void {
    this.#held?.cancel();
    this.#held = setSilenceTimer(this.#clock, heldSocketMs, () => {
      if (this.#socket?.destroyed) return;
      // A paused socket is silent because of us.
      if (this.#isPaused) this.#giveUpHeldSocket();
      else this.#socket?.destroy();
    });
  }

  #finish(end: LaunchEnd): void {
    this.#isDoomed = true;
    this.#occupant?.gone(end);
    this.#end.resolve(end);
  }
}
