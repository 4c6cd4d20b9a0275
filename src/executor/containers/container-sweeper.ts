import type { ExecutionStore } from "../../catalog/executions.ts";
import type { Clock } from "../../foundation/clock.ts";
import type { ExecutionId } from "../../foundation/ids.ts";
import type { Log } from "../../foundation/log.ts";
import { Loop } from "../../foundation/loop.ts";
import type { ContainerStepRunner } from "./container-step-runner.ts";

export interface ContainerSweeperParts {
  runner: Pick<ContainerStepRunner, "sweep">;
  executions: Pick<ExecutionStore, "get">;
  clock: Clock;
  log: Log;
  everyMs: number;
}

/** Looks for containers whose attempt is over, at the start and from time to time, and removes them. */
export class ContainerSweeper {
  readonly #parts: ContainerSweeperParts;
  readonly #loop: Loop;

  constructor(parts: ContainerSweeperParts) {
    this.#parts = parts;
    const { clock, log, everyMs } = parts;
    this.#loop = new Loop({
      name: "sweep containers",
      clock,
      log,
      idleMs: everyMs,
      work: (signal) => this.#sweep(signal),
    });
  }

  start(): void {
    this.#loop.start();
  }

  async stop(): Promise<void> {
    await this.#loop.stop();
  }

  async #sweep(signal: AbortSignal): Promise<void> {
    const removed = await this.#parts.runner.sweep((id, attempt) => this.#isLive(id, attempt), signal);
    if (removed > 0)
      this.#parts.log.warn({ containers: removed }, "containers that nobody watched any more were removed");
  }

  async #isLive(id: ExecutionId, attempt: number): Promise<boolean> {
    const found = await this.#parts.executions.get(id);
    return found?.status === "in_progress" && found.attempt === attempt;
  }
}
