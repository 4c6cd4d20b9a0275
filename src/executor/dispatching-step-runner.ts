import type { Elsewhere } from "../services/elsewhere.ts";
import type { RunningStep, StepHost, StepRequest, StepRunner } from "./step-runner.ts";

export type StepKind = "script" | Elsewhere["kind"];

/** Gives each step to the runner of its kind. */
export class DispatchingStepRunner implements StepRunner {
  readonly #runners: Record<StepKind, StepRunner>;

  constructor(runners: Record<StepKind, StepRunner>) {
    this.#runners = runners;
  }

  run(request: StepRequest, host: StepHost): RunningStep {
    return this.#runners[request.elsewhere?.kind ?? "script"].run(request, host);
  }

  async forgetReplay(slot: number): Promise<void> {
    await Promise.all(Object.values(this.#runners).map((runner) => runner.forgetReplay?.(slot)));
  }

  async close(): Promise<void> {
    await Promise.all(Object.values(this.#runners).map((runner) => runner.close()));
  }
}
