import { isDeepStrictEqual } from "node:util";
import { isPlatformError, PlatformError } from "../foundation/errors.ts";
import type { Json } from "../foundation/json.ts";
import type { Random } from "../foundation/random.ts";
import { isValidKey, keyRule, type Scope, scopeText, type ValueOrigin } from "../services/scope.ts";
import type { Proposal } from "./configuration-store.ts";
import { canaryName, Envelopes } from "./envelopes.ts";
import type { SecretFacts, SecretStore, StoredSecret } from "./secret-store.ts";

/** Largest secret, in bytes of JSON: a key store or a certificate with its chain fits. */
export const maxSecretBytes = 32 * 1024;
/** Of one scope together, in bytes of what is stored. Redaction keeps every form of each in memory. */
export const maxScopeBytes = 256 * 1024;
/** Shorter ones would be found in harmless output everywhere: they are not redacted (rule S5). */
export const minRedactedLength = 6;

const maxContention = 20;

export interface VaultOptions {
  store: SecretStore;
  /** 32 bytes each. The first encrypts; the others still open what they sealed. */
  keys: readonly Uint8Array[];
  random: Random;
}

/** Keeps secrets, sealed with their place, and opens them. Nobody else sees an envelope. */
export class Vault {
  readonly #store: SecretStore;
  readonly #envelopes: Envelopes;

  private constructor({ store, keys, random }: VaultOptions) {
    this.#store = store;
    this.#envelopes = new Envelopes(keys, random);
  }

  /**
   * Throws `corrupt` when the key is not the one that sealed what the store holds. Secrets that an older
   * of the keys sealed are sealed with the first.
   */
  static async open(options: VaultOptions): Promise<Vault> {
    const vault = new Vault(options);
    const canary = await options.store.canary();
    if (canary === undefined) {
      await options.store.setCanary(vault.#envelopes.seal(canaryName, JSON.stringify(canaryName)));
    } else {
      vault.#envelopes.open(canaryName, canary);
      if (!vault.#envelopes.isSealedWithFirst(canary)) await vault.#sealAnew();
    }
    return vault;
  }

  /** Grows with every change of a secret. */
  get revision(): number {
    return this.#store.revision;
  }

  /** Names and facts, in order; never a value. */
  async list(scope: Scope): Promise<SecretFacts[]> {
    const stored = await this.#store.list(scope);
    return stored.filter(({ envelope }) => envelope !== undefined).map(factsOf);
  }

  /** The values of one scope by name. */
  async read(scope: Scope): Promise<Map<string, Json>> {
    const values = new Map<string, Json>();
    for (const { name, envelope } of await this.#store.list(scope)) {
      if (envelope !== undefined) values.set(name, this.#envelopes.open(placeOf(scope, name), envelope));
    }
    return values;
  }

  /**
   * Stores a secret, or deletes it where `value` is undefined. `beforeWrite` is called between reading
   * the version and writing the next: what it refuses is not written. Throws `invalid-input` for names
   * and values that are none, `limit-exceeded`, and `not-found` for a deletion of nothing.
   */
  async put(
    scope: Scope,
    name: string,
    change: { value: Json | undefined; origin: ValueOrigin; beforeWrite?(): Promise<void> },
  ): Promise<SecretFacts> {
    const { value, origin, beforeWrite } = change;
    if (value !== undefined) requireSecret(name, value);
    return this.#untilSettled(async () => {
      const stored = await this.#store.list(scope);
      const present = stored.find((secret) => secret.name === name);
      if (value === undefined && present?.envelope === undefined) {
        throw new PlatformError("not-found", `there is no secret ${JSON.stringify(name)} at ${scopeText(scope)}`);
      }
      const envelope =
        value === undefined ? undefined : this.#envelopes.seal(placeOf(scope, name), JSON.stringify(value));
      requireRoom(scope, stored, [{ name, envelope }]);
      await beforeWrite?.();
      const [written] = await this.#store.put(scope, [
        { name, envelope, origin, expectedVersion: present?.version ?? 0 },
      ]);
      return factsOf(written as StoredSecret);
    });
  }

  /**
   * What a deploy found in a service's `secrets.json` (rule S1). What a person or a script set, or a
   * person removed, stays. A secret that the file no longer names stays too: the file is meant to be
   * discarded once it is loaded.
   */
  async propose(scope: Scope, values: ReadonlyMap<string, Json>): Promise<Proposal> {
    for (const [name, value] of values) requireSecret(name, value);
    return this.#untilSettled(async () => {
      const proposal: Proposal = { taken: [], kept: [], gone: [] };
      const list = await this.#store.list(scope);
      const stored = new Map(list.map((secret) => [secret.name, secret]));
      const changes = [];
      for (const [name, value] of values) {
        const present = stored.get(name);
        const place = placeOf(scope, name);
        const same =
          present?.envelope !== undefined && isDeepStrictEqual(this.#envelopes.open(place, present.envelope), value);
        if (same) continue;
        if (present !== undefined && present.origin !== "manifest") {
          proposal.kept.push(name);
          continue;
        }
        proposal.taken.push(name);
        const envelope = this.#envelopes.seal(place, JSON.stringify(value));
        changes.push({ name, envelope, origin: "manifest" as const, expectedVersion: present?.version ?? 0 });
      }
      requireRoom(scope, list, changes);
      if (changes.length > 0) await this.#store.put(scope, changes);
      return proposal;
    });
  }

  /**
   * Gives every secret to another vault with its version, sealed with that one's key: in the clear it is nowhere but in memory.
   * Answers how many there are; those that the other has already are left.
   */
  async copyTo(other: Vault): Promise<number> {
    const secrets = await this.#store.all();
    for (const { scope, envelope, ...facts } of secrets) {
      const place = placeOf(scope, facts.name);
      const value = envelope && JSON.stringify(this.#envelopes.open(place, envelope));
      const sealed = value === undefined ? undefined : other.#envelopes.seal(place, value);
      await other.#store.restore(scope, { ...facts, envelope: sealed });
    }
    return secrets.length;
  }

  /** Forgets everything of a scope. */
  deleteScope(scope: Scope): Promise<void> {
    return this.#store.deleteScope(scope);
  }

  async #untilSettled<Result>(work: () => Promise<Result>): Promise<Result> {
    for (let tries = 1; ; tries += 1) {
      try {
        return await work();
      } catch (error) {
        // Somebody else changed it between our look and our write; the later change wins.
        if (!isPlatformError(error, "conflict") || tries === maxContention) throw error;
      }
    }
  }

  async #sealAnew(): Promise<void> {
    for (const { scope, name, version, origin, envelope } of await this.#store.all()) {
      if (envelope === undefined || this.#envelopes.isSealedWithFirst(envelope)) continue;
      const place = placeOf(scope, name);
      const sealed = this.#envelopes.seal(place, JSON.stringify(this.#envelopes.open(place, envelope)));
      await this.#store.put(scope, [{ name, envelope: sealed, origin, expectedVersion: version }]);
    }
    // Last: a crash before it begins again at the next start.
    await this.#store.setCanary(this.#envelopes.seal(canaryName, JSON.stringify(canaryName)));
  }
}

/** Why a value cannot be a secret; undefined: it can. Never tells the value. */
export function secretProblem(name: string, value: Json): string | undefined {
  if (!isValidKey(name)) return `its name ${keyRule}`;
  if (value === null || value === "") return "must be a JSON value, neither null nor empty";
  const sizeBytes = Buffer.byteLength(JSON.stringify(value));
  if (sizeBytes > maxSecretBytes) return `has ${sizeBytes} bytes of JSON, at most ${maxSecretBytes} are kept`;
  return undefined;
}

/** What to tell whoever sets a secret with parts that redaction leaves alone (rule S5). */
export function secretWarning(name: string, value: Json): string | undefined {
  if (secretTexts(value).some((text) => text.length >= minRedactedLength)) return undefined;
  return `secret ${JSON.stringify(name)} is shorter than ${minRedactedLength} characters: it is not redacted from output`;
}

/** The strings and numbers in a secret: what a script would print of it. */
export function secretTexts(value: Json): string[] {
  if (typeof value === "string") return [value];
  if (typeof value === "number") return [String(value)];
  return typeof value === "object" && value !== null ? Object.values(value).flatMap(secretTexts) : [];
}

function requireSecret(name: string, value: Json): void {
  const problem = secretProblem(name, value);
  if (problem === undefined) return;
  const code = problem.startsWith("has ") ? "limit-exceeded" : "invalid-input";
  throw new PlatformError(code, `secret ${JSON.stringify(name)} ${problem}`);
}

function requireRoom(
  scope: Scope,
  stored: readonly StoredSecret[],
  changes: readonly { name: string; envelope: Uint8Array | undefined }[],
): void {
  const sizes = new Map([...stored, ...changes].map(({ name, envelope }) => [name, envelope?.length ?? 0]));
  const sizeBytes = [...sizes.values()].reduce((sum, size) => sum + size, 0);
  if (sizeBytes <= maxScopeBytes || changes.every(({ envelope }) => envelope === undefined)) return;
  const message = `the secrets of ${scopeText(scope)} would have ${sizeBytes} bytes, at most ${maxScopeBytes} are kept`;
  throw new PlatformError("limit-exceeded", `${message}: delete some first (fx secrets delete)`);
}

function placeOf(scope: Scope, name: string): string {
  return `${scopeText(scope)}/${name}`;
}

function factsOf({ name, version, origin, storedAt }: StoredSecret): SecretFacts {
  return { name, version, origin, storedAt };
}
