import type { Bus } from "../bus/bus.ts";
import type { LeaseStore } from "../catalog/leases.ts";
import { maxValueBytes } from "../config-store/config-store.ts";
import {
  maxStateKeyLength,
  plainState,
  type StateOwner,
  type StateStore,
  type StateValue,
} from "../config-store/state-store.ts";
import { encodeStateRecord } from "../events/state-record.ts";
import { isPlatformError, PlatformError } from "../foundation/errors.ts";
import type { ExecutionId } from "../foundation/ids.ts";
import type { Json, JsonObject } from "../foundation/json.ts";
import { requireHeldLease } from "./held-lease.ts";
import type { Insist } from "./patience.ts";

export interface StateParts {
  bus: Bus;
  leases: LeaseStore;
  state: StateStore;
  insist: Insist;
}

const maxContention = 20;

/** A running attempt's way to its service's state (rule D11). */
export class StateAccess {
  readonly #parts: StateParts;
  readonly #owner: StateOwner;
  readonly #lease: { id: ExecutionId; token: number };
  readonly #leaseMs: number;

  constructor(parts: StateParts, owner: StateOwner, lease: { id: ExecutionId; token: number }, leaseMs: number) {
    this.#parts = parts;
    this.#owner = owner;
    this.#lease = lease;
    this.#leaseMs = leaseMs;
  }

  async get(): Promise<JsonObject> {
    return plainState(await this.#parts.insist(() => this.#parts.state.get(this.#owner)));
  }

  /**
   * Stores a value, then logs it on the backbone; resolves when both are durable. The version is
   * read before the lease is checked: a put that was paused past its lease meets either a dead
   * token or a version that its successor has moved on. Throws `lease-lost`.
   */
  async put(key: string, value: Json): Promise<void> {
    requireStorable(key, value);
    await this.#append(key, await this.#parts.insist(() => this.#store(key, value)));
  }

  async #store(key: string, value: Json): Promise<StateValue> {
    const { state } = this.#parts;
    for (let tries = 1; ; tries += 1) {
      const current = await state.get(this.#owner);
      await this.#requireLease();
      try {
        return await state.put(this.#owner, key, value, current.get(key)?.version ?? 0);
      } catch (error) {
        // Another run of the service put the same key first; the later put wins.
        if (!isPlatformError(error, "conflict") || tries === maxContention) throw error;
      }
    }
  }

  /** Compaction keeps the last record of a key: what is sent late must not stand behind a version that is newer by then. */
  async #append(key: string, stored: StateValue): Promise<void> {
    const { bus, insist, state } = this.#parts;
    let newest: StateValue | undefined = stored;
    await insist(async () => {
      newest ??= (await state.get(this.#owner)).get(key);
      // A deletion is a version too, logged by whoever deleted.
      if (newest === undefined) return;
      const record = encodeStateRecord(this.#owner, key, newest);
      newest = undefined;
      await bus.publish([record]);
    });
  }

  async #requireLease(): Promise<void> {
    await requireHeldLease(this.#parts.leases, this.#lease, this.#leaseMs);
  }
}

/** Throws `invalid-input` for the key, `limit-exceeded` for the value. */
export function requireStorable(key: string, value: Json): void {
  if (key.length === 0 || key.length > maxStateKeyLength) {
    throw new PlatformError("invalid-input", `a state key has 1 to ${maxStateKeyLength} characters, not ${key.length}`);
  }
  const sizeBytes = Buffer.byteLength(JSON.stringify(value));
  if (sizeBytes > maxValueBytes) {
    const limit = `at most ${maxValueBytes} are allowed`;
    throw new PlatformError("limit-exceeded", `state "${key}" is too large: ${sizeBytes} bytes of JSON, ${limit}`);
  }
}
