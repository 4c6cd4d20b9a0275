import { isDeepStrictEqual } from "node:util";
import type { ConfigurationStore } from "../../config-store/configuration-store.ts";
import type { StateStore } from "../../config-store/state-store.ts";
import { PlatformError } from "../../foundation/errors.ts";
import { type Scope, scopeText } from "../../services/scope.ts";
import type { Both } from "./open-both.ts";
import type { Progress } from "./progress.ts";

export interface CopiedConfig {
  state: number;
  /** Versions of values. */
  configuration: number;
  secrets: number;
}

/** State, configuration with its history, and secrets, sealed anew under the target's key. All is read again and compared. */
export async function copyConfig({ source, target }: Both, progress: Progress): Promise<CopiedConfig> {
  const state = await copyState(source.configStore.state, target.configStore.state, progress);
  const configuration = await copyConfiguration(
    source.configStore.configuration,
    target.configStore.configuration,
    progress,
  );
  return { state, configuration, secrets: await copySecrets({ source, target }) };
}

async function copyState(from: StateStore, to: StateStore, progress: Progress): Promise<number> {
  let copied = 0;
  for await (const { service, key, entry } of from.all()) {
    await to.restore(service, key, entry);
    copied += 1;
    progress.reached("values of state", copied);
  }
  const found = new Map<string, number>();
  const nameOf = (owner: { project: string; service: string }, key: string) =>
    `${owner.project}/${owner.service}/${key}`;
  for await (const { service, key, entry } of to.all()) found.set(nameOf(service, key), entry.version);
  for await (const { service, key, entry } of from.all()) {
    if (found.get(nameOf(service, key)) !== entry.version) throw differs(`state ${nameOf(service, key)}`);
  }
  return copied;
}

/** Versions that one key is compared by: another store may keep no more. */
const compared = 100;

async function copyConfiguration(
  from: ConfigurationStore,
  to: ConfigurationStore,
  progress: Progress,
): Promise<number> {
  let copied = 0;
  const keys = new Map<string, { scope: Scope; key: string }>();
  for await (const placed of from.all()) {
    await to.restore(placed);
    keys.set(`${scopeText(placed.scope)}/${placed.key}`, placed);
    copied += 1;
    progress.reached("values of configuration", copied);
  }
  for (const [name, { scope, key }] of keys) {
    const [ours, theirs] = await Promise.all([from, to].map((store) => store.history(scope, key, { limit: compared })));
    if (!isDeepStrictEqual(ours, theirs)) throw differs(`configuration ${name}`);
  }
  return copied;
}

async function copySecrets({ source, target }: Pick<Both, "source" | "target">): Promise<number> {
  const copied = await source.vault.copyTo(target.vault);
  const scopes = new Map((await source.configStore.secrets.all()).map(({ scope }) => [scopeText(scope), scope]));
  for (const [name, scope] of scopes) {
    const [ours, theirs] = await Promise.all([source, target].map(({ vault }) => vault.read(scope)));
    if (!isDeepStrictEqual(ours, theirs)) throw differs(`what is secret of ${name}`);
  }
  return copied;
}

function differs(what: string): PlatformError {
  return new PlatformError(
    "corrupt",
    `${what} is not the same where it was copied to: it was changed there, or not written`,
  );
}
