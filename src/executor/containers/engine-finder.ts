import { type Clock, sleep } from "../../foundation/clock.ts";
import { type ErrorCode, isPlatformError, messageOf, PlatformError } from "../../foundation/errors.ts";
import { ContainerEngine } from "./container-engine.ts";

const answerMs = 10_000;
const lasting: ReadonlySet<ErrorCode> = new Set(["invalid-input", "unauthenticated", "forbidden"]);

/** Finds the engine when it is needed, and again when it has gone: it may be started, stopped and updated as people like. */
export class EngineFinder {
  readonly #addresses: readonly string[];
  readonly #clock: Clock;
  /** Where one answered last. */
  #last: string | undefined;

  constructor(addresses: readonly string[], clock: Clock) {
    this.#addresses = addresses;
    this.#clock = clock;
  }

  /** Has ever answered here; where none ever did there is nothing of ours in it. */
  get isKnown(): boolean {
    return this.#last !== undefined;
  }

  /**
   * The engine that answered last, else the first that answers. Throws `unavailable`: retryable where one is named or
   * has answered before, since it will come back; not where none is.
   */
  async find(signal?: AbortSignal): Promise<ContainerEngine> {
    if (this.#addresses.length === 0) {
      const message = "containers are switched off here (setting executor.containers.engine)";
      throw new PlatformError("unavailable", message, { retryable: false });
    }
    const failures: string[] = [];
    for (const address of this.#last === undefined ? this.#addresses : [this.#last]) {
      try {
        const engine = await this.#connect(address, signal);
        this.#last = address;
        return engine;
      } catch (error) {
        signal?.throwIfAborted();
        // Its address, or its refusal of us: another would hide it.
        if (isPlatformError(error) && lasting.has(error.code)) throw error;
        failures.push(messageOf(error));
      }
    }
    const retryable = failures.length === 1;
    const message = retryable
      ? (failures[0] as string)
      : `no container engine answers at ${this.#addresses.join(", ")}: start one, or say where it is (setting executor.containers.engine)`;
    throw new PlatformError("unavailable", message, { retryable });
  }

  async #connect(address: string, signal: AbortSignal | undefined): Promise<ContainerEngine> {
    const late = new AbortController();
    const over = new AbortController();
    void sleep(this.#clock, answerMs, over.signal).then(() => late.abort());
    try {
      return await ContainerEngine.connect(address, AbortSignal.any([late.signal, ...(signal ? [signal] : [])]));
    } finally {
      over.abort();
    }
  }
}
