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
  #failure: PlatformError | undefined;
  #closing: Promise<void> | undefined;

  /** `owner` being e.g. "the bus's". Throws when the file cannot be opened. */
  constructor(path: string, owner: string) {
    this.#owner = owner;
    this.#descriptor = openSync(path, "r");
    this.#syncs = new GroupCommit((waiting) => this.#sync(waiting.length), maxWaiting);
  }

  /** Resolves when all that the file held at the call is on the disk. Rejects with `unavailable`, for good. */
  durable(): Promise<void> {
    return this.#closing ? Promise.reject(this.#refusal("log is closed")) : this.#syncs.add();
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
        this.#failure = this.#refusal(`disk failed to sync (${messageOf(error)}); it has to be started anew`);
        reject(this.#failure);
      });
    });
  }

  #refusal(what: string): PlatformError {
    return new PlatformError("unavailable", `${this.#owner} ${what}`, { retryable: false });
  }
}
