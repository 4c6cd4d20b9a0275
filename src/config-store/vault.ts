import { createCipheriv, createDecipheriv } from "node:crypto";
import { isDeepStrictEqual } from "node:util";
import { isPlatformError, PlatformError } from "../foundation/errors.ts";
import { sha256 } from "../foundation/hash.ts";
import type { Json } from "../foundation/json.ts";
import type { Random } from "../foundation/random.ts";
import { isValidKey, keyRule, type Scope, scopeText, type ValueOrigin } from "../services/scope.ts";
import type { Proposal } from "./configuration-store.ts";
import type { SecretFacts, SecretStore, StoredSecret } from "./secret-store.ts";

/** Largest secret, in bytes of JSON: a key store or a certificate with its chain fits. */
export const maxSecretBytes = 32 * 1024;
/** Of one scope together, in bytes of what is stored. Redaction keeps every form of each in memory. */
export const maxScopeBytes = 256 * 1024;
/** Shorter ones would be found in harmless output everywhere: they are not redacted (rule S5). */
export const minRedactedLength = 6;

export const keyBytes = 32;

const format = 1;
const keyIdBytes = 8;
const nonceBytes = 12;
const tagBytes = 16;
const headBytes = 1 + keyIdBytes + nonceBytes;
const canaryName = "canary";
const maxContention = 20;

interface Key {
  id: Buffer;
  bytes: Uint8Array;
}

export interface VaultOptions {
  store: SecretStore;
  /** 32 bytes each. The first encrypts; the others still open what they sealed. */
  keys: readonly Uint8Array[];
  random: Random;
}

/**
 * Opens and closes secrets: AES-256-GCM, a random nonce for each value, the secret's place as
 * additional data, so that a ciphertext that was moved to another place does not open (rule S1).
 *
 * An envelope is `1 | id of the key (8) | nonce (12) | ciphertext | tag (16)`.
 */
export class Vault {
  readonly #store: SecretStore;
  readonly #keys: readonly Key[];
  readonly #random: Random;

  private constructor({ store, keys, random }: VaultOptions) {
    this.#store = store;
    this.#keys = keys.map((bytes) => ({ id: keyIdOf(bytes), bytes }));
    this.#random = random;
  }

  /**
   * Throws `corrupt` when the key is not the one that sealed what the store holds. Secrets that an older
   * of the keys sealed are sealed with the first.
   */
  static async open(options: VaultOptions): Promise<Vault> {
    const vault = new Vault(options);
    const canary = await options.store.canary();
    if (canary === undefined) {
      await options.store.setCanary(vault.#seal(canaryName, JSON.stringify(canaryName)));
    } else {
      vault.#open(canaryName, canary);
      if (!vault.#isSealedWithFirst(canary)) await vault.#sealAnew();
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
      if (envelope !== undefined) values.set(name, this.#open(placeOf(scope, name), envelope));
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
      const envelope = value === undefined ? undefined : this.#seal(placeOf(scope, name), JSON.stringify(value));
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
        const same = present?.envelope !== undefined && isDeepStrictEqual(this.#open(place, present.envelope), value);
        if (same) continue;
        if (present !== undefined && present.origin !== "manifest") {
          proposal.kept.push(name);
          continue;
        }
        proposal.taken.push(name);
        const envelope = this.#seal(place, JSON.stringify(value));
        changes.push({ name, envelope, origin: "manifest" as const, expectedVersion: present?.version ?? 0 });
      }
      requireRoom(scope, list, changes);
      if (changes.length > 0) await this.#store.put(scope, changes);
      return proposal;
    });
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
      if (envelope === undefined || this.#isSealedWithFirst(envelope)) continue;
      const place = placeOf(scope, name);
      const sealed = this.#seal(place, JSON.stringify(this.#open(place, envelope)));
      await this.#store.put(scope, [{ name, envelope: sealed, origin, expectedVersion: version }]);
    }
    // Last: a crash before it begins again at the next start.
    await this.#store.setCanary(this.#seal(canaryName, JSON.stringify(canaryName)));
  }

  #isSealedWithFirst(envelope: Uint8Array): boolean {
    return this.#keys[0]?.id.equals(envelope.subarray(1, 1 + keyIdBytes)) ?? false;
  }

  #seal(place: string, text: string): Uint8Array {
    const key = this.#keys[0] as Key;
    const nonce = this.#random.fill(new Uint8Array(nonceBytes));
    const cipher = createCipheriv("aes-256-gcm", key.bytes, nonce);
    cipher.setAAD(Buffer.from(place));
    const sealed = Buffer.concat([cipher.update(text, "utf8"), cipher.final()]);
    return Buffer.concat([Uint8Array.of(format), key.id, nonce, sealed, cipher.getAuthTag()]);
  }

  #open(place: string, envelope: Uint8Array): Json {
    const key = this.#keys.find(({ id }) => id.equals(envelope.subarray(1, 1 + keyIdBytes)));
    if (envelope[0] !== format || envelope.length < headBytes + tagBytes || key === undefined) throw wrongKey(place);
    const decipher = createDecipheriv("aes-256-gcm", key.bytes, envelope.subarray(1 + keyIdBytes, headBytes));
    decipher.setAAD(Buffer.from(place));
    decipher.setAuthTag(envelope.subarray(-tagBytes));
    let text: string;
    try {
      text = decipher.update(envelope.subarray(headBytes, -tagBytes), undefined, "utf8") + decipher.final("utf8");
    } catch {
      throw new PlatformError(
        "corrupt",
        `the secret at ${place} was damaged, or moved there from elsewhere: set it again (fx secrets set)`,
      );
    }
    return JSON.parse(text) as Json;
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

function wrongKey(place: string): PlatformError {
  const what = place === canaryName ? "the secrets in the configuration store were" : `the secret at ${place} was`;
  return new PlatformError(
    "corrupt",
    `${what} encrypted with another key than this one. Put back the key: the setting secretsKey (FX_SECRETS_KEY), else the file secrets.key of the data directory. ` +
      "If it is lost for good, so are the secrets: move config.db away and start again; state comes back from the log, configuration and secrets must be set anew",
  );
}

function keyIdOf(bytes: Uint8Array): Buffer {
  return Buffer.from(sha256(Buffer.concat([Buffer.from("key id:"), bytes])), "base64url").subarray(0, keyIdBytes);
}

function placeOf(scope: Scope, name: string): string {
  return `${scopeText(scope)}/${name}`;
}

function factsOf({ name, version, origin, storedAt }: StoredSecret): SecretFacts {
  return { name, version, origin, storedAt };
}
