import { endOfTurn } from "../../foundation/turn.ts";
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

  /** `handled`: a piece was taken; there may be room for more. */
  constructor(relayed: RelayedOutput, handled: () => void) {
    this.#relayed = relayed;
    this.#handled = handled;
  }

  get isFull(): boolean {
    return this.#waitingBytes > windowBytes;
  }

  /** Resolves when all that has its place is taken. */
  get written(): Promise<void> {
    return this.#written;
  }

  get seen(): { outputBytes: number; truncated: boolean } {
    return this.#relayed.seen;
  }

  get failure(): string | undefined {
    return this.#relayed.failure;
  }

  /** On the channel. Resolves when it is taken. */
  heard(stream: Stream, bytes: Uint8Array): Promise<void> {
    this.#waitingBytes += bytes.length;
    return this.#write(stream, bytes);
  }

  /** By the pipes: what was said on the channel before comes first, though it may be read later. Resolves when it is taken. */
  async piped(stream: Stream, bytes: Uint8Array): Promise<void> {
    this.#waitingBytes += bytes.length;
    await allRead();
    await this.#write(stream, bytes);
  }

  /** Resolves when all that has come by the pipes until now has its place. */
  async settled(): Promise<void> {
    await allRead();
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

/** Two turns of the loop: in the second one, what lay in any socket at the beginning has been read. */
function allRead(): Promise<void> {
  return new Promise((resolve) => endOfTurn(() => endOfTurn(resolve)));
}
