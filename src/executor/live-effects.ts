import type { CloudEvent } from "../events/cloud-event.ts";
import type { ExecutionFacts } from "../executions/execution.ts";
import type { Clock } from "../foundation/clock.ts";
import { PlatformError } from "../foundation/errors.ts";
import type { ExecutionId } from "../foundation/ids.ts";
import type { Json, JsonObject } from "../foundation/json.ts";
import type { Effects } from "./effects.ts";
import { Emitter } from "./emitter.ts";
import { StateAccess, type StateParts } from "./state-access.ts";
import type { EmitRequest, RetryTime, SecretScope } from "./step-runner.ts";

export interface LiveEffectsParts extends StateParts {
  clock: Clock;
  leaseMs: number;
}

/** Effects that happen. */
export class LiveEffects implements Effects {
  readonly #emitter: Emitter;
  readonly #state: StateAccess;

  constructor(
    parts: LiveEffectsParts,
    execution: ExecutionFacts,
    lease: { id: ExecutionId; token: number },
    trigger: CloudEvent,
  ) {
    this.#emitter = new Emitter(parts, execution, trigger);
    this.#state = new StateAccess(parts, execution, lease, parts.leaseMs);
  }

  emit(step: number, request: EmitRequest): Promise<{ id: string }> {
    return this.#emitter.emit(step, request);
  }

  getState(): Promise<JsonObject> {
    return this.#state.get();
  }

  putState(key: string, value: Json): Promise<void> {
    return this.#state.put(key, value);
  }

  async getSecret(_name: string): Promise<Json | undefined> {
    throw new PlatformError("unavailable", "secrets");
  }

  async setSecret(_name: string, _value: Json, _scope: SecretScope): Promise<void> {
    throw new PlatformError("unavailable", "secrets");
  }

  async retryLater(_when: RetryTime): Promise<{ jobId: string; at: number }> {
    throw new PlatformError("unavailable", "retries");
  }
}
