import type { CloudEvent } from "../events/cloud-event.ts";
import {
  boundedValue,
  type CapturedEffect,
  type EffectContent,
  type EffectKind,
  maxCapturedEffects,
} from "../executions/captured-effect.ts";
import type { Clock } from "../foundation/clock.ts";
import type { Json, JsonObject } from "../foundation/json.ts";
import type { Effects } from "./effects.ts";
import type { Emitter } from "./emitter.ts";
import { judgeRetry } from "./retry-later.ts";
import type { RunSecrets } from "./run-secrets.ts";
import { requireStorable } from "./state-access.ts";
import type { EmitRequest, RetryTime, SecretScope } from "./step-runner.ts";

export interface CapturedEffectsParts {
  clock: Clock;
  trigger: CloudEvent;
  /** Makes and judges events as in a run. */
  emitter: Emitter;
  secrets: RunSecrets;
  /** Where state is read. */
  live: Pick<Effects, "getState">;
}

/**
 * Effects of a replay: judged and answered as in a run, recorded, and not done. State is read as it
 * is now, with the attempt's own puts over it; what it was when the original ran is not kept anywhere.
 * Secrets are read as they are now: without them most services could not run.
 */
export class CapturedEffects implements Effects {
  readonly #parts: CapturedEffectsParts;
  readonly #puts = new Map<string, Json>();
  readonly #recorded: CapturedEffect[] = [];
  #count = 0;

  constructor(parts: CapturedEffectsParts) {
    this.#parts = parts;
  }

  /** In the order they were asked for; `count` includes those past the limit. */
  get captured(): { effects: readonly CapturedEffect[]; count: number } {
    return { effects: this.#recorded, count: this.#count };
  }

  async emit(step: number, request: EmitRequest): Promise<{ id: string }> {
    await this.#parts.secrets.requireNoneIn(request, "the event");
    const { event } = this.#parts.emitter.make(step, request);
    const { type, source, subject, correlationid, data } = event;
    this.#record(step, "emit", {
      type,
      source,
      ...(subject === undefined ? {} : { subject }),
      correlationid: correlationid ?? "",
      ...boundedValue("data", data),
    });
    return { id: event.id };
  }

  async getState(): Promise<JsonObject> {
    return { ...(await this.#parts.live.getState()), ...Object.fromEntries(this.#puts) };
  }

  async putState(key: string, value: Json): Promise<void> {
    await this.#parts.secrets.requireNoneIn({ [key]: value }, "the state");
    requireStorable(key, value);
    this.#puts.set(key, value);
    this.#record(0, "putState", { key, ...boundedValue("value", value) });
  }

  getSecret(name: string): Promise<Json | undefined> {
    return this.#parts.secrets.get(name);
  }

  async setSecret(name: string, value: Json, scope: SecretScope): Promise<void> {
    await this.#parts.secrets.keep(name, value, scope);
    this.#record(0, "setSecret", { name, scope });
  }

  async retryLater(when: RetryTime, parameters?: JsonObject): Promise<{ jobId: string; at: number }> {
    const { clock, secrets, trigger } = this.#parts;
    await secrets.requireNoneIn(parameters, "the later run's event");
    const at = judgeRetry({ when, parameters, trigger }, clock.now());
    this.#record(0, "retryLater", {
      ...when,
      at: new Date(at).toISOString(),
      ...boundedValue("parameters", parameters),
    });
    return { jobId: "replay", at };
  }

  #record(step: number, kind: EffectKind, content: EffectContent): void {
    this.#count += 1;
    if (this.#recorded.length < maxCapturedEffects) this.#recorded.push({ n: this.#count, step, kind, content });
  }
}
