import { type Clock, sleep } from "../../foundation/clock.ts";
import { messageOf, PlatformError } from "../../foundation/errors.ts";
import type { Log } from "../../foundation/log.ts";
import { pauseAfter } from "../../foundation/pause-after.ts";
import type { Random } from "../../foundation/random.ts";
import { type Scope, scopeText } from "../../services/scope.ts";
import type { ConsulEntry, ConsulHttp, Operation } from "./consul-http.ts";
import { SeenVersions } from "./seen-versions.ts";

const pause = { unitMs: 100, mostMs: 5000 };

export interface ConsulSessionParts {
  http: ConsulHttp;
  /** In front of every key, such as `fx`. */
  prefix: string;
  clock: Clock;
  random: Random;
  log: Log;
}

/**
 * What the stores share: their keys, and how it is known that Consul still holds what it was given. Each read and write of state
 * asks for a mark in the same transaction: from a store that was emptied nobody reads that there is nothing. What is read is held
 * against what was seen before: of a copy that was put back nobody reads what is older than that.
 */
export class ConsulSession {
  readonly http: ConsulHttp;
  readonly #parts: ConsulSessionParts;
  readonly #mark: string;
  readonly #seen = new SeenVersions();
  #restore: (() => Promise<void>) | undefined;
  #restoring: Promise<void> | undefined;
  #watching: Promise<void> | undefined;
  /** Grows with every change below the prefix that this process learns of. */
  revision = 0;

  constructor(parts: ConsulSessionParts) {
    this.#parts = parts;
    this.http = parts.http;
    this.#mark = this.key("holds");
  }

  get now(): number {
    return Math.floor(this.#parts.clock.now());
  }

  /** A number in [0, 1). */
  draw(): number {
    return this.#parts.random.fraction();
  }

  /** Of names with any characters. */
  key(...names: readonly string[]): string {
    return [this.#parts.prefix, ...names.map((name) => encodeURIComponent(name.toWellFormed()))].join("/");
  }

  scopeKey(kind: string, scope: Scope, ...names: readonly string[]): string {
    return this.key(kind, scopeText(scope), ...names);
  }

  async holdsMark(): Promise<boolean> {
    return (await this.http.get(this.#mark)) !== undefined;
  }

  async setMark(): Promise<void> {
    await this.http.put(this.#mark, Buffer.from("1"));
  }

  /** Fails its transaction where the mark is gone. */
  get checkMark(): Operation {
    return { verb: "get", key: this.#mark };
  }

  /** Called after a transaction with the mark could not be made: throws when that is because everything is gone. */
  async requireMark(): Promise<void> {
    if (await this.holdsMark()) return;
    this.#recover(
      "Consul has lost what it held: state comes back from the backbone's log; configuration and secrets are gone and must be set again",
    );
    throw notWhole();
  }

  /** Before a question for state; its answer is handed to `follow` with what this answers. Throws while state is brought back. */
  ask(): number {
    this.requireWhole();
    return this.#seen.ask();
  }

  /** `keys`: those that were asked for; without it all of the owner. Throws where they are older than what was seen before. */
  follow(asked: number, owner: string, entries: readonly ConsulEntry[], keys?: readonly string[]): void {
    if (this.#seen.isOlder(asked, owner, entries, keys)) {
      this.#recover(putBack);
      throw notWhole();
    }
    this.#seen.note(owner, entries);
  }

  /** Throws while state is brought back. */
  requireWhole(): void {
    if (this.#restoring) throw notWhole();
  }

  onLost(restore: () => Promise<void>): void {
    this.#restore = restore;
  }

  /** Follows what other processes change. */
  watch(): void {
    this.#watching ??= this.#watch();
  }

  async close(): Promise<void> {
    this.http.close();
    await Promise.all([this.#watching, this.#restoring]);
  }

  async #watch(): Promise<void> {
    const { clock, log } = this.#parts;
    const { closed } = this.http;
    const prefix = `${this.#parts.prefix}/`;
    let index = 0;
    for (let failures = 0; !closed.aborted; ) {
      try {
        const next = await this.http.changed(prefix, index, closed);
        if (next !== index) this.revision += 1;
        if (next < index || (await this.#isOlder())) this.#recover(putBack);
        // An index that went back belongs to another history.
        index = next < index ? 0 : next;
        await this.requireMark().catch((error: unknown) => {
          if (this.#restoring === undefined) throw error;
        });
        if (failures > 0) log.info({ failures }, "Consul tells of changes again");
        failures = 0;
      } catch (error) {
        if (closed.aborted) return;
        if (failures === 0) log.warn({ error: messageOf(error) }, "Consul does not tell of changes, will try again");
        failures += 1;
        // What changed meanwhile is not known.
        this.revision += 1;
        await sleep(clock, pauseAfter(failures, pause), closed);
      }
    }
  }

  /** Found also while nobody reads. */
  async #isOlder(): Promise<boolean> {
    const { newest } = this.#seen;
    return newest !== undefined && ((await this.http.get(newest.key))?.flags ?? -1) < newest.flags;
  }

  #recover(why: string): void {
    const { clock, log } = this.#parts;
    const restore = this.#restore;
    if (restore === undefined || this.#restoring || this.http.closed.aborted) return;
    log.error({}, why);
    const run = async () => {
      for (let failures = 1; !this.http.closed.aborted; failures += 1) {
        try {
          await restore();
          this.#seen.forget();
          await this.setMark();
          this.revision += 1;
          return;
        } catch (error) {
          if (failures === 1) log.warn({ error: messageOf(error) }, "state could not be brought back, will try again");
          await sleep(clock, pauseAfter(failures, pause), this.http.closed);
        }
      }
    };
    this.#restoring = run().finally(() => {
      this.#restoring = undefined;
    });
  }
}

const putBack =
  "Consul holds older than it held, as when a copy is put back: state is compared with the backbone's log; configuration and secrets are those of the copy";

/** The last of the names that a key is made of. */
export function lastNameOf(key: string): string {
  return decodeURIComponent(key.slice(key.lastIndexOf("/") + 1));
}

function notWhole(): PlatformError {
  return new PlatformError(
    "unavailable",
    "Consul does not hold what it was given; state comes back from the backbone's log",
  );
}
