import type { StepHost } from "./step-runner.ts";

/** Counts what one step says, printed and logged alike. `passed` is called once, when it is more than `limitBytes`. */
export class OutputMeter {
  readonly #limitBytes: number;
  readonly #passed: () => void;
  #bytes = 0;

  constructor(limitBytes: number | undefined, passed: () => void) {
    this.#limitBytes = limitBytes ?? Number.POSITIVE_INFINITY;
    this.#passed = passed;
  }

  get isPassed(): boolean {
    return this.#bytes > this.#limitBytes;
  }

  add(bytes: number): void {
    const wasWithin = !this.isPassed;
    this.#bytes += bytes;
    if (wasWithin && this.isPassed) this.#passed();
  }

  /** The host, with what is logged counted on the way. */
  countingLogs(host: StepHost): StepHost {
    return {
      ...host,
      log: (record) => {
        this.add(Buffer.byteLength(record.message));
        return host.log(record);
      },
    };
  }
}
