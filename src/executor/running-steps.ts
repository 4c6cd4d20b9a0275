import type { RunningStep } from "./step-runner.ts";

/** The steps of one runner that have not ended. */
export class RunningSteps {
  readonly #steps = new Set<RunningStep>();

  get size(): number {
    return this.#steps.size;
  }

  add<Step extends RunningStep>(step: Step): Step {
    this.#steps.add(step);
    void step.result.then(() => this.#steps.delete(step));
    return step;
  }

  /** Kills what still runs; resolves when all have ended, as `stopped`. */
  async close(): Promise<void> {
    const steps = [...this.#steps];
    for (const step of steps) step.stop("shutdown", 0);
    await Promise.all(steps.map((step) => step.result));
  }
}
