/** Immutable content by its own hash. Scripts, assets, uploaded files. */
export interface ArtifactStore {
  /** Stores the bytes and answers their SHA-256 (base64url). Durable when resolved; storing the same again is free. */
  put(content: Uint8Array): Promise<string>;
  /** Throws `not-found`, or `corrupt` when the content no longer has this hash. */
  get(hash: string): Promise<Uint8Array>;
  has(hash: string): Promise<boolean>;
  /** Deletes every object older than `graceMs` that `keep` does not name. Answers how many went. */
  sweep(keep: ReadonlySet<string>, graceMs: number): Promise<number>;
  close(): Promise<void>;
}
