import type { Clock } from "../foundation/clock.ts";
import { messageOf } from "../foundation/errors.ts";
import type { OutputMeter } from "./output-meter.ts";
import type { OutputChunk, StepHost } from "./step-runner.ts";

/** The output of one step on its way to its host: piece by piece, in order, up to the cap. */
export class RelayedOutput {
  readonly #host: StepHost;
  readonly #clock: Clock;
  readonly #capBytes: number;
  readonly #meter: OutputMeter;
  #bytes = 0;
  #truncated = false;
  #failure: string | undefined;

  constructor(host: StepHost, clock: Clock, capBytes: number, meter: OutputMeter) {
    this.#host = host;
    this.#clock = clock;
    this.#capBytes = capBytes;
    this.#meter = meter;
  }

  get seen(): { outputBytes: number; truncated: boolean } {
    return { outputBytes: this.#bytes, truncated: this.#truncated };
  }

  /** Why the host could not take a piece. */
  get failure(): string | undefined {
    return this.#failure;
  }

  /** Resolves when the host has taken it; await it before the next, so that a slow host slows what writes. */
  async write(stream: OutputChunk["stream"], bytes: Uint8Array): Promise<void> {
    this.#meter.add(bytes.length);
    const kept = bytes.subarray(0, Math.max(0, this.#capBytes - this.#bytes));
    const isCut = kept.length < bytes.length;
    if (kept.length > 0) {
      this.#bytes += kept.length;
      await this.#send(stream, kept);
    }
    if (isCut && !this.#truncated) {
      this.#truncated = true;
      await this.say(`[cut here: at most ${this.#capBytes} bytes of a step's output are kept]`);
    }
  }

  /** A line of ours in the step's error output. Not counted as the step's. */
  async say(line: string): Promise<void> {
    await this.#send("stderr", Buffer.from(`\n${line}\n`));
  }

  async #send(stream: OutputChunk["stream"], bytes: Uint8Array): Promise<void> {
    try {
      await this.#host.output({ stream, bytes, at: this.#clock.now() });
    } catch (error) {
      this.#failure ??= messageOf(error);
    }
  }
}
