import type { HeldLease } from "../catalog/leases.ts";
import type { CloudEvent } from "../events/cloud-event.ts";
import type { ExecutionFacts } from "../executions/execution.ts";
import type { Clock } from "../foundation/clock.ts";
import type { ExecutionId } from "../foundation/ids.ts";
import { InOrder } from "../foundation/in-order.ts";
import type { Json, JsonObject } from "../foundation/json.ts";
import type { Effects } from "./effects.ts";
import { Emitter } from "./emitter.ts";
import type { Insist } from "./patience.ts";
import { type RetryParts, retryLater } from "./retry-later.ts";
import type { RunSecrets } from "./run-secrets.ts";
import { StateAccess, type StateParts } from "./state-access.ts";
import type { EmitRequest, RetryTime, SecretScope } from "./step-runner.ts";

export interface LiveEffectsParts extends StateParts, RetryParts {
  clock: Clock;
  leaseMs: number;
  insist: Insist;
}

/** Effects that happen. */
export class LiveEffects implements Effects {
  readonly #emitter: Emitter;
  readonly #emitting = new InOrder();
  readonly #state: StateAccess;
  readonly #parts: LiveEffectsParts;
  readonly #lease: HeldLease;
  readonly #trigger: CloudEvent;
  readonly #secrets: RunSecrets;

  constructor(
    parts: LiveEffectsParts,
    execution: ExecutionFacts,
    lease: { id: ExecutionId; token: number },
    trigger: CloudEvent,
    secrets: RunSecrets,
  ) {
    this.#emitter = new Emitter(parts, execution, trigger);
    this.#parts = parts;
    this.#lease = lease;
    this.#trigger = trigger;
    this.#state = new StateAccess(parts, execution, lease, parts.leaseMs);
    this.#secrets = secrets;
  }

  async emit(step: number, request: EmitRequest): Promise<{ id: string }> {
    // One that waits to be looked at is not overtaken.
    await this.#emitting.run(() => this.#secrets.requireNoneIn(request, "the event"));
    return this.#emitter.emit(step, request);
  }

  getState(): Promise<JsonObject> {
    return this.#state.get();
  }

  async putState(key: string, value: Json): Promise<void> {
    await this.#secrets.requireNoneIn({ [key]: value }, "the state");
    return this.#state.put(key, value);
  }

  getSecret(name: string): Promise<Json | undefined> {
    return this.#secrets.get(name);
  }

  setSecret(name: string, value: Json, scope: SecretScope): Promise<void> {
    return this.#secrets.set(name, value, scope);
  }

  async retryLater(when: RetryTime, parameters?: JsonObject): Promise<{ jobId: string; at: number }> {
    await this.#secrets.requireNoneIn(parameters, "the later run's event");
    const asked = { when, parameters, trigger: this.#trigger };
    return this.#parts.insist(() => retryLater(this.#parts, this.#lease, asked));
  }
}
