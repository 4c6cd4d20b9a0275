import type { Bus } from "../../src/bus/bus.ts";
import type { StateOwner, StateStore } from "../../src/config-store/state-store.ts";
import { decodeRecord } from "../../src/events/bus-binding.ts";
import { eventKeyOf } from "../../src/events/event-key.ts";
import { decodeStateRecord, stateKey } from "../../src/events/state-record.ts";
import { topics } from "../../src/events/topics.ts";
import type { StepRequest } from "../../src/executor/step-runner.ts";
import { isPlatformError } from "../../src/foundation/errors.ts";
import { canonicalJson, type Json } from "../../src/foundation/json.ts";
import type { History } from "./history.ts";
import type { ScriptWitness } from "./simulated-scripts.ts";

interface Effect {
  what: string;
  /** Undefined while it is open. `refused`: for what it is, not for a failure on the way. */
  settled: "durable" | "refused" | "failed" | undefined;
}

/** Watches what scripts send, and what of it is durable: events, state and the state's log. */
export class EffectsWitness implements ScriptWitness {
  readonly #history: History;
  readonly #live = new Map<string, number>();
  readonly #effects = new Map<string, Effect[]>();
  readonly #occurrences = new Map<string, number>();
  readonly #derivedIds = new Map<string, string>();
  readonly #idUses = new Map<string, string>();
  readonly #versions = new Map<string, { version: number; value: Json }>();
  /** Of each value that was put: the first version that had it. */
  readonly #firstVersions = new Map<string, number>();
  /** Of each key: the newest version on the log. */
  readonly #logged = new Map<string, number>();
  /** Keys of everything that the bus has acknowledged, or may have taken. */
  readonly published = new Set<string>();
  /** False where the database's clock was made to jump: then leases end under running scripts. */
  overlapsMatter = true;

  constructor(history: History) {
    this.#history = history;
  }

  began({ executionId, attempt }: StepRequest): void {
    const live = (this.#live.get(executionId) ?? 0) + 1;
    this.#live.set(executionId, live);
    if (live > 1 && this.overlapsMatter) {
      this.#history.violate("D8", `attempt ${attempt} of ${executionId} began while a script of another attempt lived`);
    }
  }

  gone({ executionId }: StepRequest): void {
    this.#live.set(executionId, (this.#live.get(executionId) ?? 1) - 1);
  }

  emitted(
    request: StepRequest,
    emission: { type: string; data: Json; id: string | undefined; settled: Promise<{ id: string }> },
  ): void {
    const { executionId, attempt, step } = request;
    const { type, data, id: own, settled } = emission;
    const content = canonicalJson([executionId, step, type, data]);
    const nth = `${attempt} ${content}`;
    const occurrence = this.#occurrences.get(nth) ?? 0;
    this.#occurrences.set(nth, occurrence + 1);
    const effect = this.#effect(request, `event ${type}`);
    settled.then(
      ({ id }) => {
        effect.settled = "durable";
        const { project, name } = request.context.service;
        if (!this.published.has(eventKeyOf({ source: `/projects/${project}/services/${name}`, id }))) {
          this.#history.violate("D9", `event ${id} of ${executionId} was acknowledged before it was durable`);
        }
        if (own === undefined) this.#checkDerived(`${content} ${occurrence}`, id);
      },
      (error: unknown) => {
        effect.settled = isRefusal(error) ? "refused" : "failed";
      },
    );
  }

  put(request: StepRequest, key: string, value: Json, settled: Promise<void>): void {
    const { project, name } = request.context.service;
    const effect = this.#effect(request, `state ${key}`);
    settled.then(
      () => {
        effect.settled = "durable";
        // A put that came late to the log is there, or one that was put over it.
        const stateName = stateKey({ project, service: name }, key);
        const version = this.#firstVersions.get(`${stateName} ${canonicalJson(value)}`) ?? Number.POSITIVE_INFINITY;
        if ((this.#logged.get(stateName) ?? 0) < version) {
          this.#history.violate("D11", `state ${key} of ${name} was acknowledged before it was on the log`);
        }
      },
      (error: unknown) => {
        effect.settled = isRefusal(error) ? "refused" : "failed";
      },
    );
  }

  /** Rule D9: everything that a completed attempt sent is durable by now. */
  completed(executionId: string, attempt: number): void {
    for (const { what, settled } of this.#effects.get(`${executionId}/${attempt}`) ?? []) {
      if (settled === "durable" || settled === "refused") continue;
      this.#history.violate("D9", `${executionId} completed, but its ${what} is ${settled ?? "not yet durable"}`);
    }
  }

  tapBus(bus: Bus): Bus {
    const publish: Bus["publish"] = async (records) => {
      const placements = await bus.publish(records);
      for (const record of records) {
        if (record.topic === topics.state) this.#stateLogged(record.value);
        if (record.topic !== topics.events && record.topic !== topics.platform) continue;
        const decoded = decodeRecord({ value: record.value, headers: record.headers ?? {} });
        if (decoded.ok) this.published.add(eventKeyOf(decoded.event));
      }
      return placements;
    };
    return new Proxy(bus, {
      get(target, key) {
        if (key === "publish") return publish;
        const value = target[key as keyof Bus];
        return typeof value === "function" ? value.bind(target) : value;
      },
    });
  }

  tapState(store: StateStore): StateStore {
    const put: StateStore["put"] = async (owner, key, value, expectedVersion) => {
      try {
        const stored = await store.put(owner, key, value, expectedVersion);
        this.#statePut(owner, key, stored, expectedVersion);
        return stored;
      } catch (error) {
        if (isPlatformError(error, "conflict")) this.#history.reach("state was put at the same time by two runs");
        throw error;
      }
    };
    return new Proxy(store, {
      get(target, key) {
        if (key === "put") return put;
        const found = target[key as keyof StateStore];
        return typeof found === "function" ? found.bind(target) : found;
      },
    });
  }

  /** What the configuration store holds in the end is what was put last, and what the log says. */
  checkState(held: ReadonlyMap<string, { version: number; value: Json }>): void {
    for (const [name, { version, value }] of this.#versions) {
      const found = held.get(name);
      if (found?.version !== version || canonicalJson(found.value) !== canonicalJson(value)) {
        this.#history.violate(
          "D11",
          `state ${name} is at version ${found?.version ?? "none"}, version ${version} was put last`,
        );
      }
    }
  }

  #statePut(owner: StateOwner, key: string, stored: { version: number; value: Json }, expectedVersion: number): void {
    const name = stateKey(owner, key);
    const before = this.#versions.get(name)?.version ?? 0;
    // Scripts of a world delete nothing, so that the version put on is that of the value before.
    if (stored.version !== before + 1 || expectedVersion !== before) {
      this.#history.violate(
        "D11",
        `state ${name} went from version ${before} to ${stored.version}, on version ${expectedVersion}`,
      );
    }
    this.#versions.set(name, stored);
    const named = `${name} ${canonicalJson(stored.value)}`;
    if (!this.#firstVersions.has(named)) this.#firstVersions.set(named, stored.version);
  }

  #stateLogged(bytes: Uint8Array): void {
    const record = decodeStateRecord(bytes);
    if (record === undefined) this.#history.violate("D11", "a record on the state log cannot be read");
    else {
      const name = stateKey(record.owner, record.key);
      this.#logged.set(name, Math.max(this.#logged.get(name) ?? 0, record.entry.version));
    }
  }

  #effect({ executionId, attempt }: StepRequest, what: string): Effect {
    const effect: Effect = { what, settled: undefined };
    const name = `${executionId}/${attempt}`;
    const effects = this.#effects.get(name);
    if (effects) effects.push(effect);
    else this.#effects.set(name, [effect]);
    return effect;
  }

  /** Rule D10: what is sent again has the same id, what differs has another. */
  #checkDerived(content: string, id: string): void {
    const before = this.#derivedIds.get(content);
    if (before !== undefined && before !== id)
      this.#history.violate("D10", `the same event was sent under two ids: ${content}`);
    this.#derivedIds.set(content, id);
    const use = this.#idUses.get(id);
    if (use !== undefined && use !== content)
      this.#history.violate("D10", `one id was given to two events: ${use} and ${content}`);
    this.#idUses.set(id, content);
  }
}

function isRefusal(error: unknown): boolean {
  return isPlatformError(error) && !error.retryable;
}
