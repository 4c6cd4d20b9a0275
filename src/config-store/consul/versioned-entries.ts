import { PlatformError } from "../../foundation/errors.ts";
import type { Scope, ValueOrigin } from "../../services/scope.ts";
import { type ConsulEntry, maxOperations, type Operation } from "./consul-http.ts";
import { type ConsulSession, lastNameOf } from "./consul-session.ts";

/** Larger values lie in a key of their own: a transaction takes half a megabyte in all. */
const maxInlineBytes = 2048;
/** Versions of a key that are kept, the present one among them. */
const keptVersions = 100;
/** Operations of one change: with the versions that are kept, and the oldest that goes. */
const operationsWithPast = 4;

/** A version of a value. */
export interface VersionedEntry {
  name: string;
  version: number;
  origin: ValueOrigin;
  storedAt: number;
  /** Undefined: deleted. */
  content: Buffer | undefined;
}

export interface EntryChange {
  name: string;
  content: Uint8Array | undefined;
  origin: ValueOrigin;
  /** What it follows; undefined: there never was one. */
  former: PresentEntry | undefined;
}

export interface PresentEntry extends VersionedEntry {
  /** What a change must find unchanged. */
  index: number;
}

interface Stored {
  version: number;
  origin: ValueOrigin;
  storedAt: number;
  deleted?: true;
  /** Base64. */
  content?: string;
  /** The key where the content lies. */
  apart?: string;
}

/**
 * Values of one kind by scope and name, with what they were: `fx/<kind>/<scope>/present/<name>` is the newest version, and
 * `fx/<kind>/<scope>/past/<name>/<version>` each one that is kept. Both are written in one transaction that checks the former.
 */
export class VersionedEntries {
  readonly #session: ConsulSession;
  readonly #kind: string;
  readonly #keepsPast: boolean;

  constructor(session: ConsulSession, kind: string, { keepsPast }: { keepsPast: boolean }) {
    this.#session = session;
    this.#kind = kind;
    this.#keepsPast = keepsPast;
  }

  /** How many values one `write` changes at most. */
  get changesTogether(): number {
    return Math.floor(maxOperations / (this.#keepsPast ? operationsWithPast : 2));
  }

  /** The newest versions of a scope in the order of their names, deleted ones too. */
  async ofScope(scope: Scope): Promise<PresentEntry[]> {
    const prefix = `${this.#session.scopeKey(this.#kind, scope, "present")}/`;
    const entries = await this.#session.http.tree(prefix);
    const read = await Promise.all(entries.map((entry) => this.#read(entry, lastNameOf(entry.key))));
    return read.sort((left, right) => (left.name < right.name ? -1 : 1));
  }

  async newest(scope: Scope, name: string): Promise<PresentEntry | undefined> {
    const entry = await this.#session.http.get(this.#presentKey(scope, name));
    return entry && this.#read(entry, name);
  }

  /** Newest first, older than the version `before`. */
  async past(scope: Scope, name: string, limit: number, before: number): Promise<VersionedEntry[]> {
    const prefix = `${this.#session.scopeKey(this.#kind, scope, "past", name)}/`;
    const entries = (await this.#session.http.tree(prefix)).reverse();
    const wanted = entries.filter(({ key }) => Number(lastNameOf(key)) < before).slice(0, limit);
    return Promise.all(wanted.map((entry) => this.#read(entry, name)));
  }

  /** Scopes that have something, as texts. */
  async scopes(): Promise<string[]> {
    const names = await this.#session.http.names(`${this.#session.key(this.#kind)}/`);
    return names.map((key) => lastNameOf(key.slice(0, -1)));
  }

  /** All or none of at most `changesTogether`. Undefined: one of them is not at its former version any more. */
  async write(scope: Scope, changes: readonly EntryChange[]): Promise<VersionedEntry[] | undefined> {
    if (changes.length > this.changesTogether) {
      throw new PlatformError("limit-exceeded", `at most ${this.changesTogether} values are changed at once`);
    }
    const operations: Operation[] = [];
    const written: VersionedEntry[] = [];
    for (const { name, content, origin, former } of changes) {
      const version = (former?.version ?? 0) + 1;
      const entry = { name, version, origin, storedAt: this.#session.now, content: content && Buffer.from(content) };
      operations.push(...(await this.#operations(scope, entry, former)));
      written.push(entry);
    }
    if (operations.length === 0) return [];
    const done = await this.#session.http.transaction(operations);
    this.#session.revision += 1;
    return done && written;
  }

  /** Takes an entry as it is, where it is newer than the present one; answers whether it did. */
  async restore(scope: Scope, entry: VersionedEntry): Promise<boolean> {
    for (;;) {
      const former = await this.newest(scope, entry.name);
      if (former !== undefined && former.version >= entry.version) return false;
      const done = await this.#session.http.transaction(await this.#operations(scope, entry, former));
      this.#session.revision += 1;
      if (done) return true;
    }
  }

  async deleteScope(scope: Scope): Promise<void> {
    await this.#session.http.deleteTree(`${this.#session.scopeKey(this.#kind, scope)}/`);
    this.#session.revision += 1;
  }

  /** What makes an entry the present one, and forgets the oldest. */
  async #operations(scope: Scope, entry: VersionedEntry, former: PresentEntry | undefined): Promise<Operation[]> {
    const { name, version } = entry;
    const value = Buffer.from(JSON.stringify(await this.#store(scope, entry)));
    const operations: Operation[] = [
      { verb: "cas", key: this.#presentKey(scope, name), value, index: former?.index ?? 0 },
    ];
    if (this.#keepsPast) operations.push({ verb: "set", key: this.#pastKey(scope, name, version), value });
    const forgotten = version - (this.#keepsPast ? keptVersions : 1);
    if (forgotten > 0) operations.push({ verb: "delete-tree", key: this.#apartKey(scope, name, forgotten) });
    if (forgotten > 0 && this.#keepsPast) {
      operations.push({ verb: "delete-tree", key: this.#pastKey(scope, name, forgotten) });
    }
    return operations;
  }

  /** A large content goes before what names it; one that nothing came to name goes with its scope. */
  async #store(scope: Scope, { name, version, origin, storedAt, content }: VersionedEntry): Promise<Stored> {
    const facts = { version, origin, storedAt };
    if (content === undefined) return { ...facts, deleted: true };
    if (content.length <= maxInlineBytes) return { ...facts, content: content.toString("base64") };
    const writer = Math.floor(this.#session.draw() * 2 ** 32).toString(36);
    const apart = `${this.#apartKey(scope, name, version)}${writer}`;
    await this.#session.http.put(apart, content);
    return { ...facts, apart };
  }

  async #read({ value, index }: ConsulEntry, name: string): Promise<PresentEntry> {
    const { version, origin, storedAt, deleted, content, apart } = JSON.parse(value.toString()) as Stored;
    const facts = { name, version, origin, storedAt, index };
    if (deleted) return { ...facts, content: undefined };
    if (apart === undefined) return { ...facts, content: Buffer.from(content ?? "", "base64") };
    const found = await this.#session.http.get(apart);
    if (found) return { ...facts, content: found.value };
    throw new PlatformError("unavailable", `the value of ${name} was replaced while it was read`);
  }

  #presentKey(scope: Scope, name: string): string {
    return this.#session.scopeKey(this.#kind, scope, "present", name);
  }

  #pastKey(scope: Scope, name: string, version: number): string {
    return this.#session.scopeKey(this.#kind, scope, "past", name, numbered(version));
  }

  #apartKey(scope: Scope, name: string, version: number): string {
    return `${this.#session.scopeKey(this.#kind, scope, "apart", name, numbered(version))}-`;
  }
}

/** Sorts by its digits. */
function numbered(version: number): string {
  return String(version).padStart(10, "0");
}
