import type { Scope, ValueOrigin } from "../services/scope.ts";

/** Encrypted secrets. Only the vault (vault.ts) makes and opens envelopes; nobody else needs them. */
export interface SecretStore {
  /** Grows with every change that this process knows of. What was read at one revision need not be read again. */
  readonly revision: number;
  /** The secrets of a scope in the order of their names; deleted ones too, without an envelope. */
  list(scope: Scope): Promise<StoredSecret[]>;
  /** All secrets there are, deleted ones too. */
  all(): Promise<(StoredSecret & { scope: Scope })[]>;
  /** Check-and-set of each, all or none: throws `conflict` when one is not at its `expectedVersion` (0: it never was). */
  put(scope: Scope, changes: readonly SecretChange[]): Promise<StoredSecret[]>;
  /** Takes a secret of another store as it is, where it is newer than ours; older ones change nothing. Answers whether it did. */
  restore(scope: Scope, secret: StoredSecret): Promise<boolean>;
  /** Forgets the scope. */
  deleteScope(scope: Scope): Promise<void>;
  /** A text sealed with the key of the first start, by which a wrong key is told at once. */
  canary(): Promise<Uint8Array | undefined>;
  setCanary(envelope: Uint8Array): Promise<void>;
}

export interface SecretFacts {
  name: string;
  version: number;
  origin: ValueOrigin;
  /** Milliseconds since the epoch. */
  storedAt: number;
}

export interface StoredSecret extends SecretFacts {
  /** Undefined: deleted. It is remembered, so that a deploy does not bring it back (rule S1). */
  envelope: Uint8Array | undefined;
}

export interface SecretChange {
  name: string;
  /** Undefined deletes. */
  envelope: Uint8Array | undefined;
  origin: ValueOrigin;
  expectedVersion: number;
}
