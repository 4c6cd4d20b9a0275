import type { LeaseStore } from "../catalog/leases.ts";
import type { ServiceStore } from "../catalog/services.ts";
import { PlatformError } from "../foundation/errors.ts";
import type { ExecutionId } from "../foundation/ids.ts";
import type { Json } from "../foundation/json.ts";
import { platformScope, type Scope, serviceScope } from "../services/scope.ts";
import { requireHeldLease } from "./held-lease.ts";
import type { Insist } from "./patience.ts";
import { type Form, formsOf } from "./redaction/forms.ts";
import { Matcher, noSecrets } from "./redaction/matcher.ts";
import { redactText } from "./redaction/stream-redactor.ts";
import type { SecretView, ServiceSecrets } from "./service-secrets.ts";
import type { SecretScope } from "./step-runner.ts";

export interface RunSecretsParts {
  secrets: ServiceSecrets;
  services: Pick<ServiceStore, "get">;
  leases: LeaseStore;
  leaseMs: number;
  insist: Insist;
}

interface Owner {
  project: string;
  service: string;
}

/** A running attempt's way to the secrets of its service, and to what must not be said of them (rules S1, S5). */
export class RunSecrets {
  readonly #parts: RunSecretsParts;
  readonly #owner: Owner;
  readonly #lease: { id: ExecutionId; token: number };
  readonly #kept = new Map<string, Json>();
  #view: SecretView | undefined;
  /** Everything that the attempt may have read so far: what was replaced meanwhile is redacted to its end. */
  #matcher = noSecrets;

  constructor(parts: RunSecretsParts, owner: Owner, lease: { id: ExecutionId; token: number }) {
    this.#parts = parts;
    this.#owner = owner;
    this.#lease = lease;
  }

  /** What redaction looks for, where nothing changed since it was asked for last; else undefined: ask `matcher`. */
  get current(): Matcher | undefined {
    return this.#view?.revision === this.#parts.secrets.vault.revision ? this.#matcher : undefined;
  }

  async matcher(): Promise<Matcher> {
    await this.#look();
    return this.#matcher;
  }

  async get(name: string): Promise<Json | undefined> {
    const { values } = await this.#look();
    return this.#kept.get(name) ?? values.get(name);
  }

  /** Throws `forbidden` without a grant or for a name that tells a secret, `lease-lost`, and what the vault refuses. */
  async set(name: string, value: Json, scope: SecretScope): Promise<void> {
    await this.#requireMaySet(name, value, scope);
    const { insist, secrets, leases, leaseMs } = this.#parts;
    await insist(() =>
      secrets.vault.put(this.#scopeOf(scope), name, {
        value,
        origin: "script",
        beforeWrite: () => requireHeldLease(leases, this.#lease, leaseMs),
      }),
    );
    await this.#look();
  }

  /** As `set`, for this attempt alone, which reads it back and redacts it: it is stored nowhere. Throws `forbidden` as `set`. */
  async keep(name: string, value: Json, scope: SecretScope): Promise<void> {
    await this.#requireMaySet(name, value, scope);
    await this.#look();
    this.#kept.set(name, value);
    this.#matcher = united(this.#matcher, new Matcher(formsOf(name, value)));
  }

  /** Throws `forbidden` when a secret is in what would become public: an event, a value of state (rule S1). */
  async requireNoneIn(value: unknown, what: string): Promise<void> {
    const matcher = this.current ?? (await this.matcher());
    if (matcher.isEmpty) return;
    const found = findIn(matcher, value);
    if (found === undefined) return;
    throw new PlatformError(
      "forbidden",
      `${what} holds the secret ${JSON.stringify(found)}, and everybody who may see ${what} could read it: send the secret's name, and let the receiver look it up with get_secret`,
    );
  }

  async redact(text: string): Promise<string> {
    return redactText(this.current ?? (await this.matcher()), text);
  }

  async #look(): Promise<SecretView> {
    const view = await this.#parts.insist(() => this.#parts.secrets.of(this.#owner));
    if (view.revision !== this.#view?.revision) {
      this.#matcher = this.#view === undefined ? view.matcher : united(this.#matcher, view.matcher);
      this.#view = view;
    }
    return view;
  }

  /** Names are stored, listed and logged as they are: neither another secret nor the new one may be in its name (rule S1). */
  async #requireMaySet(name: string, value: Json, scope: SecretScope): Promise<void> {
    if (scope !== "service") await this.#requireGrant(scope);
    await this.requireNoneIn(name, "the name of a secret");
    if (new Matcher(formsOf(name, value)).find(Buffer.from(name)) === undefined) return;
    throw new PlatformError(
      "forbidden",
      "the name of a secret holds its value, and names are no secret: choose another",
    );
  }

  async #requireGrant(scope: "project" | "platform"): Promise<void> {
    const { project, service } = this.#owner;
    const known = await this.#parts.insist(() => this.#parts.services.get(project, service));
    if (known?.grants.includes(scope)) return;
    throw new PlatformError(
      "forbidden",
      `${project}/${service} may not set secrets of the ${scope}: fx secrets grant ${project}/${service} ${scope}`,
    );
  }

  #scopeOf(scope: SecretScope): Scope {
    if (scope === "service") return serviceScope(this.#owner);
    return scope === "platform" ? platformScope : { kind: "project", project: this.#owner.project };
  }
}

function united(former: Matcher, added: Matcher): Matcher {
  const keyOf = ({ name, bytes }: Form) => `${name}/${bytes.toString("latin1")}`;
  const known = new Set(added.forms.map(keyOf));
  const missing = former.forms.filter((form) => !known.has(keyOf(form)));
  return missing.length === 0 ? added : new Matcher([...added.forms, ...missing]);
}

/** The name of a secret that is in a string of the value, in a key as well. */
function findIn(matcher: Matcher, value: unknown): string | undefined {
  if (typeof value === "string" || typeof value === "number") return matcher.find(Buffer.from(String(value)))?.name;
  if (typeof value !== "object" || value === null) return undefined;
  for (const [key, item] of Object.entries(value)) {
    const found = matcher.find(Buffer.from(key))?.name ?? findIn(matcher, item);
    if (found !== undefined) return found;
  }
  return undefined;
}
