import type { Socket } from "node:net";
import type { Clock, Timer } from "../../foundation/clock.ts";
import { encodeFrame, type FrameReader } from "../frame.ts";
import type { StepHost } from "../step-runner.ts";
import { Asks } from "./asks.ts";
import { readWords } from "./read-ask.ts";

/** After the script's end, what its socket still holds is read; one that somebody holds open is cut after so long without a byte. */
const heldSocketMs = 1_000;

/** One admitted connection: takes what the script asks for to its host and carries the answers back. */
export class ChannelSession {
  readonly asks: Asks;
  readonly #socket: Socket;
  readonly #clock: Clock;
  readonly #frames: FrameReader;
  readonly #done = Promise.withResolvers<void>();
  #held: Timer | undefined;
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
        if (!this.asks.isFull) socket.resume();
        this.#settle();
      },
    });
    socket.on("data", (chunk: Buffer) => this.#read(chunk));
    socket.on("close", () => {
      this.#closed = true;
      this.#settle();
    });
  }

  /** The script is gone: resolves when the connection has ended and every ask that arrived on it has been handled (rule D9). */
  async end(): Promise<void> {
    this.#giveUpHeldSocket();
    await this.#done.promise;
    this.#held?.cancel();
  }

  #giveUpHeldSocket(): void {
    this.#held?.cancel();
    this.#held = this.#clock.setTimer(heldSocketMs, () => {
      // A paused socket is silent because of us.
      if (this.asks.isFull) this.#giveUpHeldSocket();
      else this.#socket.destroy();
    });
  }

  #read(chunk: Buffer): void {
    if (this.#held) this.#giveUpHeldSocket();
    try {
      for (const frame of this.#frames.read(chunk)) void this.asks.take(readWords(frame), frame.length);
    } catch {
      // No SDK's words, or too many: what follows cannot be read either.
      this.#socket.destroy();
    }
    if (this.asks.isFull) this.#socket.pause();
  }

  #settle(): void {
    if (this.#closed && this.asks.isDone) this.#done.resolve();
  }
}
