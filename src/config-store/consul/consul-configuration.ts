import { PlatformError } from "../../foundation/errors.ts";
import { canonicalJson, type JsonObject } from "../../foundation/json.ts";
import { parseScope, type Scope, scopeText } from "../../services/scope.ts";
import type {
  ConfigurationChange,
  ConfigurationEntry,
  ConfigurationStore,
  ConfigurationValue,
  PlacedEntry,
  Proposal,
} from "../configuration-store.ts";
import { encodeValue } from "../encode-value.ts";
import type { ConsulSession } from "./consul-session.ts";
import { type EntryChange, VersionedEntries, type VersionedEntry } from "./versioned-entries.ts";

export class ConsulConfiguration implements ConfigurationStore {
  readonly #session: ConsulSession;
  readonly #entries: VersionedEntries;

  constructor(session: ConsulSession) {
    this.#session = session;
    this.#entries = new VersionedEntries(session, "configuration", { keepsPast: true });
  }

  get revision(): number {
    return this.#session.revision;
  }

  async values(scope: Scope): Promise<Map<string, ConfigurationValue>> {
    const values = new Map<string, ConfigurationValue>();
    for (const entry of await this.#entries.ofScope(scope)) {
      const shown = entryOf(entry);
      if (!shown.deleted) {
        const { value, version, origin, storedAt } = shown;
        values.set(entry.name, { value, version, origin, storedAt });
      }
    }
    return values;
  }

  async get(scope: Scope, key: string): Promise<ConfigurationEntry | undefined> {
    const entry = await this.#entries.newest(scope, key);
    return entry && entryOf(entry);
  }

  async put(scope: Scope, key: string, change: ConfigurationChange): Promise<ConfigurationEntry> {
    const { value, origin, expectedVersion } = change;
    const text = value === undefined ? undefined : encodeValue(value, `configuration ${JSON.stringify(key)}`);
    for (;;) {
      const former = await this.#entries.newest(scope, key);
      const version = former?.content === undefined ? 0 : former.version;
      if (expectedVersion !== undefined && expectedVersion !== version) {
        throw new PlatformError(
          "conflict",
          `configuration ${JSON.stringify(key)} of ${scopeText(scope)} is at version ${version}, not ${expectedVersion}: read it again`,
        );
      }
      if (text === undefined && version === 0) {
        throw new PlatformError("not-found", `${scopeText(scope)} has no configuration ${JSON.stringify(key)}`);
      }
      const content = text === undefined ? undefined : Buffer.from(text);
      const written = await this.#entries.write(scope, [{ name: key, content, origin, former }]);
      if (written) return entryOf(written[0] as VersionedEntry);
    }
  }

  async history(
    scope: Scope,
    key: string,
    { limit, before = Number.MAX_SAFE_INTEGER }: { limit: number; before?: number | undefined },
  ): Promise<ConfigurationEntry[]> {
    return (await this.#entries.past(scope, key, limit, before)).map(entryOf);
  }

  /** Of more keys than a transaction takes, some may be taken and others not after a crash: the same proposal again mends it. */
  async propose(scope: Scope, values: JsonObject): Promise<Proposal> {
    const proposed = new Map(
      Object.entries(values).map(([key, value]) => [key, encodeValue(value, `configuration ${JSON.stringify(key)}`)]),
    );
    const proposal: Proposal = { taken: [], kept: [], gone: [] };
    for (;;) {
      const { changes, kept } = await this.#changesFor(scope, proposed);
      proposal.kept = kept;
      if (changes.length === 0) return proposal;
      const some = changes.slice(0, this.#entries.changesTogether);
      // Somebody changed one of them meanwhile: it is looked at anew.
      if ((await this.#entries.write(scope, some)) === undefined) continue;
      for (const { name, content } of some) (content ? proposal.taken : proposal.gone).push(name);
    }
  }

  /** Read a key at a time: what is put meanwhile may or may not be seen. */
  async *all(): AsyncGenerator<PlacedEntry> {
    for (const text of await this.#entries.scopes()) {
      const scope = parseScope(text);
      for (const { name } of scope ? await this.#entries.ofScope(scope) : []) {
        const past = await this.#entries.past(scope as Scope, name, Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER);
        for (const entry of past.reverse()) yield { scope: scope as Scope, key: name, entry: entryOf(entry) };
      }
    }
  }

  restore({ scope, key, entry }: PlacedEntry): Promise<boolean> {
    const { version, origin, storedAt } = entry;
    const content = entry.deleted
      ? undefined
      : Buffer.from(encodeValue(entry.value, `configuration ${JSON.stringify(key)}`));
    return this.#entries.restore(scope, { name: key, version, origin, storedAt, content });
  }

  async deleteScope(scope: Scope): Promise<void> {
    await this.#entries.deleteScope(scope);
  }

  async #changesFor(scope: Scope, proposed: Map<string, string>): Promise<{ changes: EntryChange[]; kept: string[] }> {
    const present = new Map((await this.#entries.ofScope(scope)).map((entry) => [entry.name, entry]));
    const changes: EntryChange[] = [];
    const kept: string[] = [];
    for (const [name, text] of proposed) {
      const former = present.get(name);
      if (former?.content !== undefined && isSame(former.content.toString(), text)) continue;
      if (former !== undefined && former.origin !== "manifest") kept.push(name);
      else changes.push({ name, content: Buffer.from(text), origin: "manifest", former });
    }
    for (const former of present.values()) {
      if (proposed.has(former.name) || former.origin !== "manifest" || former.content === undefined) continue;
      changes.push({ name: former.name, content: undefined, origin: "manifest", former });
    }
    return { changes, kept };
  }
}

function isSame(left: string, right: string): boolean {
  return left === right || canonicalJson(JSON.parse(left)) === canonicalJson(JSON.parse(right));
}

function entryOf({ version, origin, storedAt, content }: VersionedEntry): ConfigurationEntry {
  const facts = { version, origin, storedAt };
  if (content === undefined) return { ...facts, deleted: true };
  return { ...facts, value: JSON.parse(content.toString()), deleted: false };
}
