import { closeSync, fdatasync, openSync } from "node:fs";
import { messageOf, PlatformError } from "./errors.ts";
import { GroupCommit } from "./group-commit.ts";

/** Syncs answered by one call to the disk. */
const maxWaiting = 10_000;

/**
 * Syncs a file that is only ever appended to, away from the caller's thread: whoever asks while a sync is under way shares
 * the next one. When one has failed, all later ones fail too, because the system may have dropped what it could not write and
 * would call the next one a success.
 */
export class LogSync {
  readonly #owner: string;
  readonly #descriptor: number;
  readonly #syncs: GroupCommit<void, undefined>;
  readonly #onFailure: (failure: PlatformError) => void;
  #failure: PlatformError | undefined;
  #closing: Promise<void> | undefined;

  /** `owner` being e.g. "the bus's". `onFailure` is called once. Throws when the file cannot be opened. */
  constructor(path: string, owner: string, onFailure: (failure: PlatformError) => void = () => {}) {
    this.#owner = owner;
    this.#onFailure = onFailure;
    this.#descriptor = openSync(path, "r");
    this.#syncs = new GroupCommit((waiting) => this.#sync(waiting.length), maxWaiting);
  }

  /** Why nothing is called durable any more. */
  get failure(): PlatformError | undefined {
    return this.#failure;
  }

  /**
   * Resolves when all that the file held at the call is on the disk. Rejects with `unavailable`, for good. Whoever asks may ask again, of
   * the next start: the parts of the platform wait for it as for any store that is away.
   */
  durable(): Promise<void> {
    return this.#closing ? Promise.reject(this.#refusal("log is closed", false)) : this.#syncs.add();
  }

  /** Syncs what waits, then lets the file go. */
  close(): Promise<void> {
    this.#closing ??= this.#syncs.idle().then(() => closeSync(this.#descriptor));
    return this.#closing;
  }

  #sync(count: number): Promise<undefined[]> {
    return new Promise((resolve, reject) => {
      if (this.#failure) return reject(this.#failure);
      fdatasync(this.#descriptor, (error) => {
        if (error === null) return resolve(new Array<undefined>(count));
        this.#failure = this.#refusal(`disk failed to sync (${messageOf(error)}); it has to be started anew`, true);
        this.#onFailure(this.#failure);
        reject(this.#failure);
      });
    });
  }

  #refusal(what: string, retryable: boolean): PlatformError {
    return new PlatformError("unavailable", `${this.#owner} ${what}`, { retryable });
  }
}
