import type { Socket } from "node:net";
import type { Clock, Timer } from "../../foundation/clock.ts";
import { setSilenceTimer } from "../../foundation/silence-timer.ts";
import { encodeFrame, type FrameReader } from "../frame.ts";
import type { StepHost } from "../step-runner.ts";
import { Asks, maxUnreadAnswers } from "./asks.ts";
import { readWords } from "./read-ask.ts";

/** After the script's end, what its socket still holds is read; one that somebody holds open is cut after so long without a byte. */
const heldSocketMs = 1_000;

const nothing = Buffer.alloc(0);

/** One admitted connection: takes what the script asks for to its host and carries the answers back. */
export class ChannelSession {
  readonly asks: Asks;
  readonly #socket: Socket;
  readonly #clock: Clock;
  readonly #frames: FrameReader;
  readonly #done = Promise.withResolvers<void>();
  #held: Timer | undefined;
  #isPaused = false;
  #closed = false;

  constructor(socket: Socket, frames: FrameReader, host: StepHost, clock: Clock) {
    this.#socket = socket;
    this.#frames = frames;
    this.#clock = clock;
    this.asks = new Asks(host, clock, {
      answer: (answer) => {
        if (socket.writable) socket.write(encodeFrame(Buffer.from(JSON.stringify(answer))));
      },
      refused: () => socket.destroy(),
      handled: () => {
        this.#goOn();
        this.#settle();
      },
    });
    socket.on("data", (chunk: Buffer) => this.#read(chunk));
    socket.on("drain", () => this.#goOn());
    socket.on("close", () => {
      this.#closed = true;
      this.#settle();
    });
  }

  /** The script is gone: resolves when the connection has ended and every ask that arrived on it has been handled (rule D9). */
  async end(): Promise<void> {
    this.#giveUpHeldSocket();
    this.#goOn();
    await this.#done.promise;
    this.#held?.cancel();
  }

  #giveUpHeldSocket(): void {
    this.#held?.cancel();
    this.#held = setSilenceTimer(this.#clock, heldSocketMs, () => {
      if (this.#closed) return;
      // A paused socket is silent because of us.
      if (this.asks.isFull) this.#giveUpHeldSocket();
      else this.#socket.destroy();
    });
  }

  #read(chunk: Buffer): void {
    if (this.#held) this.#giveUpHeldSocket();
    try {
      for (const frame of this.#frames.read(chunk)) {
        void this.asks.take(readWords(frame), frame.length);
        // What is left of the chunk stays with the reader.
        if (this.#isFull) return void this.#pause();
      }
    } catch {
      // No SDK's words, or too many: what follows cannot be read either.
      this.#socket.destroy();
    }
  }

  /** A script that has ended reads no answers: what it asked for is taken all the same. */
  get #isFull(): boolean {
    return this.asks.isFull || (!this.#held && this.#socket.writableLength > maxUnreadAnswers);
  }

  #pause(): void {
    this.#isPaused = true;
    this.#socket.pause();
  }

  #goOn(): void {
    if (!this.#isPaused || this.#isFull) return;
    this.#isPaused = false;
    this.#read(nothing);
    if (!this.#isPaused) this.#socket.resume();
  }

  #settle(): void {
    if (this.#closed && this.asks.isDone) this.#done.resolve();
  }
}
