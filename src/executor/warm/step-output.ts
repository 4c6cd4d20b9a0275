import type { RelayedOutput } from "../relayed-output.ts";
import type { OutputChunk } from "../step-runner.ts";

type Stream = OutputChunk["stream"];

/** Output that may wait for the step's host; past it the process is to be left unheard. */
const windowBytes = 256 * 1024;

/** Joins what a step prints on its channel with what comes by the pipes of its process, piece by piece. */
export class StepOutput {
  readonly #relayed: RelayedOutput;
  readonly #handled: () => void;
  #written: Promise<void> = Promise.resolve();
  #waitingBytes = 0;
  /** What was said on the channel and must wait for what was in the pipes before it. */
  #turn: Promise<unknown> | undefined;

  /** `handled`: a piece was taken; there may be room for more. */
  constructor(relayed: RelayedOutput, handled: () => void) {
    this.#relayed = relayed;
    this.#handled = handled;
  }

  get isFull(): boolean {
    return this.#waitingBytes > windowBytes;
  }

  /** Resolves when all that has come is taken. */
  get written(): Promise<void> {
    return this.#written;
  }

  get seen(): { outputBytes: number; truncated: boolean } {
    return this.#relayed.seen;
  }

  get failure(): string | undefined {
    return this.#relayed.failure;
  }

  /** By the pipes. Resolves when it is taken. */
  piped(stream: Stream, bytes: Uint8Array): Promise<void> {
    this.#waitingBytes += bytes.length;
    return this.#write(stream, bytes);
  }

  /** On the channel. `drained`: what was in the pipes before it has come. */
  heard(stream: Stream, bytes: Uint8Array, drained: Promise<void> | undefined): void {
    this.#waitingBytes += bytes.length;
    this.after(drained, () => void this.#write(stream, bytes));
  }

  /** Acts in its turn: after all that was heard before, and when `drained`. */
  after(drained: Promise<void> | undefined, act: () => void): void {
    if (drained === undefined && this.#turn === undefined) return act();
    const turn = Promise.all([this.#turn, drained]).then(() => {
      if (this.#turn === turn) this.#turn = undefined;
      act();
    });
    this.#turn = turn;
  }

  #write(stream: Stream, bytes: Uint8Array): Promise<void> {
    this.#written = this.#written
      .then(() => this.#relayed.write(stream, bytes))
      .then(() => {
        this.#waitingBytes -= bytes.length;
        this.#handled();
      });
    return this.#written;
  }
}
