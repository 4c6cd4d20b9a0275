import { existsSync } from "node:fs";
import { secretsKeyFile } from "../../config/secrets-keys.ts";
import type { Settings } from "../../config/settings.ts";
import { openStores, type StoreSettings, type Stores, type Surroundings } from "../compose.ts";
import { type DataDirectory, openDataDirectory } from "../data-directory.ts";
import { type Port, ports } from "../roles.ts";
import type { CopyPlan } from "./plan.ts";

/** Two installations: what is not copied, both have in common. */
export interface Both {
  source: Stores;
  target: Stores;
  close(): Promise<void>;
}

/** Opens the engines of the settings, and those embedded ones of the directory that are copied out of it. */
export async function openBoth(
  { moving }: CopyPlan,
  from: DataDirectory,
  settings: Settings,
  around: Surroundings,
): Promise<Both> {
  const own = settings.dataDir === from.path ? undefined : openDataDirectory(settings.dataDir);
  const undo: (() => Promise<void>)[] = [async () => own?.release()];
  const close = async () => {
    for (const step of undo.toReversed()) await step();
  };
  try {
    const moved = moving.map(({ port }) => port);
    // First, so that a key which is not the source's leaves no mark of its own in the target.
    const source = await openStores(sourceSettings(settings, from, moved), from, around, moved);
    undo.push(() => source.close());
    const target = await openStores(settings, own ?? from, around, ports);
    undo.push(() => target.close());
    return { source: mixed(source, target, moved), target, close };
  } catch (error) {
    await close();
    throw error;
  }
}

const embedded = {
  bus: { driver: "sqlite" },
  catalog: { driver: "sqlite", migrate: true },
  configStore: { driver: "sqlite" },
  artifactStore: { driver: "filesystem" },
  opsData: { driver: "sqlite" },
} as const satisfies { [Name in Port]: StoreSettings[Name] };

/** A key that lies in the directory is the one its secrets were sealed with; else it was given by the setting, as it is now. */
function sourceSettings(settings: Settings, from: DataDirectory, moved: readonly Port[]): StoreSettings {
  const engines = Object.fromEntries(moved.map((port) => [port, embedded[port]]));
  const hasKey = existsSync(secretsKeyFile(from.path));
  return { ...settings, ...engines, dataDir: from.path, secretsKey: hasKey ? undefined : settings.secretsKey };
}

function mixed(source: Stores, target: Stores, moved: readonly Port[]): Stores {
  const of = (port: Port) => (moved.includes(port) ? source : target);
  const { configStore, configStoreIsNew, vault } = of("configStore");
  return {
    bus: of("bus").bus,
    catalog: of("catalog").catalog,
    artifacts: of("artifactStore").artifacts,
    opsData: of("opsData").opsData,
    ...{ configStore, configStoreIsNew, vault },
  };
}
