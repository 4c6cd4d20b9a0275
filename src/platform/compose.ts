import { existsSync } from "node:fs";
import type { ArtifactStore } from "../artifact-store/artifact-store.ts";
import { FilesystemArtifactStore } from "../artifact-store/filesystem.ts";
import type { Bus } from "../bus/bus.ts";
import { openSqliteBus } from "../bus/sqlite.ts";
import type { Catalog } from "../catalog/catalog.ts";
import { openPostgresCatalog } from "../catalog/postgres.ts";
import { openSqliteCatalog } from "../catalog/sqlite.ts";
import { secretsKeys } from "../config/secrets-keys.ts";
import type { Settings } from "../config/settings.ts";
import type { ConfigStore } from "../config-store/config-store.ts";
import { openSqliteConfigStore } from "../config-store/sqlite.ts";
import { Vault } from "../config-store/vault.ts";
import { topics } from "../events/topics.ts";
import type { Clock } from "../foundation/clock.ts";
import type { Ids } from "../foundation/ids.ts";
import type { Log } from "../foundation/log.ts";
import type { Random } from "../foundation/random.ts";
import type { OpsData } from "../ops-data/ops-data.ts";
import { SqliteOpsData } from "../ops-data/sqlite.ts";
import type { DataDirectory } from "./data-directory.ts";

/** What every part is made with. */
export interface Surroundings {
  clock: Clock;
  random: Random;
  ids: Ids;
  log: Log;
}

/** The stores behind their ports. This file alone knows which driver is behind which. */
export interface Stores {
  bus: Bus;
  catalog: Catalog;
  configStore: ConfigStore;
  /** True at the first start, and after the file was lost. */
  configStoreIsNew: boolean;
  vault: Vault;
  artifacts: ArtifactStore;
  opsData: OpsData;
  close(): Promise<void>;
}

/** Opens the stores that the settings name. When one cannot be opened, those that were are closed again. */
export async function openStores(settings: Settings, data: DataDirectory, around: Surroundings): Promise<Stores> {
  const opened: { close(): Promise<void> }[] = [];
  const keep = <Store extends { close(): Promise<void> }>(store: Store): Store => {
    opened.push(store);
    return store;
  };
  // Last opened, first closed; one that fails to close does not keep the others open.
  const close = async () => {
    for (const store of opened.reverse()) {
      await store
        .close()
        .catch((error: unknown) => around.log.error({ error: String(error) }, "a store did not close"));
    }
  };
  try {
    const { clock, log } = around;
    const bus = keep(
      openSqliteBus({
        path: data.file("bus.db"),
        partitions: settings.bus.partitions,
        clock,
        log,
        retentionMs: busRetention(settings),
      }),
    );
    const catalog = keep(await openCatalog(settings.catalog, data, around));
    const configStoreIsNew = !existsSync(data.file("config.db"));
    const configStore = keep(openSqliteConfigStore({ path: data.file("config.db"), clock }));
    const vault = await openVault(settings, configStore, around);
    const artifacts = keep(await FilesystemArtifactStore.open({ directory: data.file("artifacts"), clock }));
    const opsData = keep(await SqliteOpsData.open({ path: data.file("ops.db"), log }));
    return { bus, catalog, configStore, configStoreIsNew, vault, artifacts, opsData, close };
  } catch (error) {
    await close();
    throw error;
  }
}

function openCatalog(
  settings: Settings["catalog"],
  data: DataDirectory,
  { clock, ids, log }: Surroundings,
): Promise<Catalog> {
  switch (settings.driver) {
    case "sqlite":
      return openSqliteCatalog({ path: data.file("catalog.db"), clock, ids, log });
    case "postgres": {
      const { url, connections } = settings;
      // The embedded backbone counts its own offsets, which another platform's would be taken for.
      return openPostgresCatalog({ url, connections, alone: true, clock, ids, log });
    }
  }
}

/** Early: nothing may start that needs secrets which cannot be opened. */
async function openVault(settings: Settings, { secrets }: ConfigStore, { random }: Surroundings): Promise<Vault> {
  const isNew = (await secrets.canary()) === undefined;
  return Vault.open({ store: secrets, keys: secretsKeys(settings, random, isNew), random });
}

function busRetention(settings: Settings): Record<string, number> {
  const { busMs } = settings.retention;
  return { [topics.events]: busMs, [topics.platform]: busMs, [topics.deadLetter]: busMs };
}
