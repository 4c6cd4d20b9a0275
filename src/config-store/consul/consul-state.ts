import { PlatformError } from "../../foundation/errors.ts";
import type { Json } from "../../foundation/json.ts";
import { encodeValue } from "../encode-value.ts";
import type { StateEntry, StateOwner, StateStore, StateValue } from "../state-store.ts";
import { type ConsulEntry, maxConsulBytes } from "./consul-http.ts";
import { type ConsulSession, lastNameOf } from "./consul-session.ts";

const kind = "state";
/** A transaction is JSON with its values in base64. */
const maxTogetherBytes = Math.floor(maxConsulBytes * 0.7);
const noValue = Buffer.from("null");

/**
 * A key of the store for each key of state, `fx/state/<project>/<service>/<key>`: the value is its JSON, and the flags are
 * twice its version, and one more where it is deleted.
 */
export class ConsulState implements StateStore {
  readonly #session: ConsulSession;

  constructor(session: ConsulSession) {
    this.#session = session;
  }

  async get(owner: StateOwner): Promise<Map<string, StateValue>> {
    const values = new Map<string, StateValue>();
    for (const entry of await this.#entriesOf(owner)) {
      const stored = entryOf(entry);
      if (!("deleted" in stored)) values.set(lastNameOf(entry.key), stored);
    }
    return values;
  }

  async put(owner: StateOwner, key: string, value: Json, expectedVersion: number): Promise<StateValue> {
    const text = encodeValue(value, `state ${JSON.stringify(key)}`);
    const place = this.#placeOf(owner, key);
    const present = await this.#present(place);
    const shown = present === undefined || isDeleted(present) ? 0 : versionOf(present);
    const version = (present === undefined ? 0 : versionOf(present)) + 1;
    if (shown === expectedVersion && (await this.#write(place, Buffer.from(text), version, false, present))) {
      return { value: JSON.parse(text), version };
    }
    const found =
      shown === expectedVersion
        ? "was put by another at the same time"
        : `is at version ${shown}, not ${expectedVersion}`;
    throw new PlatformError(
      "conflict",
      `state ${JSON.stringify(key)} of ${owner.project}/${owner.service} ${found}: read it again`,
    );
  }

  async restore(owner: StateOwner, key: string, entry: StateEntry): Promise<boolean> {
    const { http } = this.#session;
    const place = this.#placeOf(owner, key);
    const value = "deleted" in entry ? noValue : Buffer.from(encodeValue(entry.value, `state ${JSON.stringify(key)}`));
    for (;;) {
      const present = await http.get(place);
      if (present !== undefined && versionOf(present) >= entry.version) return false;
      const flags = flagsOf(entry.version, "deleted" in entry);
      if (await http.put(place, value, { index: present?.index ?? 0, flags })) return true;
    }
  }

  /** Read a service at a time: what is put meanwhile may or may not be seen. */
  async *all(): AsyncGenerator<{ service: StateOwner; key: string; entry: StateEntry }> {
    const { http } = this.#session;
    for (const project of await http.names(`${this.#session.key(kind)}/`)) {
      for (const service of await http.names(project)) {
        const owner = { project: lastNameOf(project.slice(0, -1)), service: lastNameOf(service.slice(0, -1)) };
        for (const entry of await http.tree(service)) {
          yield { service: owner, key: lastNameOf(entry.key), entry: entryOf(entry) };
        }
      }
    }
  }

  async delete(owner: StateOwner, key?: string): Promise<{ key: string; entry: StateEntry }[]> {
    const deleted: { key: string; entry: StateEntry }[] = [];
    const present = await this.#entriesOf(owner);
    const keys = key === undefined ? present.map((entry) => lastNameOf(entry.key)) : [key];
    for (const each of keys) {
      const version = await this.#delete(this.#placeOf(owner, each));
      if (version !== undefined) deleted.push({ key: each, entry: { deleted: true, version } });
    }
    return deleted;
  }

  /** Answers the version of the deletion; undefined: there was nothing. */
  async #delete(place: string): Promise<number | undefined> {
    for (;;) {
      const present = await this.#present(place);
      if (present === undefined || isDeleted(present)) return undefined;
      const version = versionOf(present) + 1;
      if (await this.#write(place, noValue, version, true, present)) return version;
    }
  }

  async #entriesOf({ project, service }: StateOwner): Promise<ConsulEntry[]> {
    const { http, checkMark } = this.#session;
    const prefix = `${this.#session.key(kind, project, service)}/`;
    for (;;) {
      const asked = this.#session.ask();
      const found = await http.transaction([checkMark, { verb: "get-tree", key: prefix }]);
      if (found === undefined) {
        await this.#session.requireMark();
        continue;
      }
      const entries = found.filter(({ key }) => key.startsWith(prefix));
      this.#session.follow(asked, prefix, entries);
      return entries;
    }
  }

  async #present(place: string): Promise<ConsulEntry | undefined> {
    const asked = this.#session.ask();
    const found = await this.#session.http.get(place);
    if (found === undefined) await this.#session.requireMark();
    this.#session.follow(asked, ownerOf(place), found ? [found] : [], [place]);
    return found;
  }

  async #write(
    key: string,
    value: Buffer,
    version: number,
    isDeletion: boolean,
    former: ConsulEntry | undefined,
  ): Promise<boolean> {
    const { http, checkMark } = this.#session;
    const flags = flagsOf(version, isDeletion);
    const index = former?.index ?? 0;
    if (value.length > maxTogetherBytes) return http.put(key, value, { index, flags });
    const asked = this.#session.ask();
    const written = await http.transaction([checkMark, { verb: "cas", key, value, flags, index }]);
    if (written === undefined) {
      await this.#session.requireMark();
      return false;
    }
    const entry = written.filter((each) => each.key === key);
    this.#session.follow(asked, ownerOf(key), entry, [key]);
    return true;
  }

  #placeOf({ project, service }: StateOwner, key: string): string {
    return this.#session.key(kind, project, service, key);
  }
}

/** What all keys of a service begin with. */
function ownerOf(place: string): string {
  return place.slice(0, place.lastIndexOf("/") + 1);
}

function flagsOf(version: number, deleted: boolean): number {
  return version * 2 + (deleted ? 1 : 0);
}

function versionOf({ flags }: ConsulEntry): number {
  return Math.floor(flags / 2);
}

function isDeleted({ flags }: ConsulEntry): boolean {
  return flags % 2 === 1;
}

function entryOf(entry: ConsulEntry): StateEntry {
  const version = versionOf(entry);
  return isDeleted(entry) ? { deleted: true, version } : { value: JSON.parse(entry.value.toString()) as Json, version };
}
