import { existsSync } from "node:fs";
import type { ArtifactStore } from "../artifact-store/artifact-store.ts";
import { FilesystemArtifactStore } from "../artifact-store/filesystem.ts";
import { S3ArtifactStore } from "../artifact-store/s3.ts";
import type { Bus } from "../bus/bus.ts";
import type { KafkaConnection } from "../bus/kafka/connection.ts";
import { openSqliteBus } from "../bus/sqlite.ts";
import type { Catalog } from "../catalog/catalog.ts";
import type { SchemaStanding } from "../catalog/migrations/migrate.ts";
import { migratePostgresCatalog, openPostgresCatalog } from "../catalog/postgres.ts";
import { migrateSqliteCatalog, openSqliteCatalog } from "../catalog/sqlite.ts";
import { secretsKeys } from "../config/secrets-keys.ts";
import type { Settings } from "../config/settings.ts";
import type { ConfigStore } from "../config-store/config-store.ts";
import { openSqliteConfigStore } from "../config-store/sqlite.ts";
import { Vault } from "../config-store/vault.ts";
import { maxEventBytes } from "../events/cloud-event.ts";
import { topics } from "../events/topics.ts";
import type { Clock } from "../foundation/clock.ts";
import type { Ids } from "../foundation/ids.ts";
import type { Log } from "../foundation/log.ts";
import type { Random } from "../foundation/random.ts";
import type { OpsData } from "../ops-data/ops-data.ts";
import { SqliteOpsData } from "../ops-data/sqlite.ts";
import { type DataDirectory, openDataDirectory } from "./data-directory.ts";
import { isShared, type Port } from "./roles.ts";

/** What a record has beside the event's own bytes, and what a batch has beside its records. */
const roomAroundAnEvent = 1024 * 1024;

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
}

/** What says where stores are; of an embedded backbone that is there already the partitions are as they are. */
export type StoreSettings = Omit<Settings, "bus"> & {
  bus: Settings["bus"] | { driver: "sqlite"; partitions?: undefined };
};

export interface OpenedStores extends Stores {
  close(): Promise<void>;
}

/**
 * Opens the stores behind the ports that are wanted; to ask for another one throws, which only a mistake of ours does. When one
 * cannot be opened, those that were are closed again.
 */
export async function openStores(
  settings: StoreSettings,
  data: DataDirectory,
  around: Surroundings,
  wanted: readonly Port[],
): Promise<OpenedStores> {
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
  const stores: Partial<Stores> = {};
  try {
    if (wanted.includes("bus")) stores.bus = keep(await openBus(settings, data, around));
    if (wanted.includes("catalog")) stores.catalog = keep(await openCatalog(settings, data, around));
    if (wanted.includes("configStore")) {
      const { store, isNew } = await openConfigStore(settings.configStore, data, around);
      stores.configStoreIsNew = isNew;
      stores.configStore = keep(store);
      stores.vault = await openVault(settings, stores.configStore, around);
    }
    if (wanted.includes("artifactStore"))
      stores.artifacts = keep(await openArtifactStore(settings.artifactStore, data, around));
    if (wanted.includes("opsData")) stores.opsData = keep(await openOpsData(settings.opsData, data, around));
    return Object.assign(refusingTheRest(stores), { close });
  } catch (error) {
    await close();
    throw error;
  }
}

function refusingTheRest(stores: Partial<Stores>): Stores {
  const names = ["bus", "catalog", "configStore", "configStoreIsNew", "vault", "artifacts", "opsData"] as const;
  for (const name of names.filter((name) => stores[name] === undefined)) {
    const get = () => {
      throw new Error(`${name} is not opened in this process: no role of it works with that`);
    };
    Object.defineProperty(stores, name, { get, enumerable: false });
  }
  return stores as Stores;
}

async function openBus(settings: StoreSettings, data: DataDirectory, around: Surroundings): Promise<Bus> {
  const { clock, ids, log } = around;
  const { bus } = settings;
  const retentionMs = busRetention(settings);
  switch (bus.driver) {
    case "sqlite":
      return openSqliteBus({
        path: data.file("bus.db"),
        ...(bus.partitions !== undefined && { partitions: bus.partitions }),
        ...{ clock, log, retentionMs },
      });
    case "kafka": {
      const { openKafkaBus } = await import("../bus/kafka.ts");
      const { partitions, replication } = bus;
      const topics = { partitions, replication, maxMessageBytes: maxEventBytes + roomAroundAnEvent };
      return openKafkaBus({ connection: kafkaConnection(bus), topics, retentionMs, instance: ids.next(), clock, log });
    }
  }
}

function kafkaConnection(bus: Extract<Settings["bus"], { driver: "kafka" }>): KafkaConnection {
  const { brokers, prefix, compression, tls, mechanism, user, password } = bus;
  return {
    brokers: brokers.split(","),
    prefix,
    compression,
    tls: tls ? bus : undefined,
    sasl: user === undefined ? undefined : { mechanism, user, password: password ?? "" },
  };
}

async function openConfigStore(
  settings: Settings["configStore"],
  data: DataDirectory,
  { clock, random, log }: Surroundings,
): Promise<{ store: ConfigStore; isNew: boolean }> {
  switch (settings.driver) {
    case "sqlite": {
      const isNew = !existsSync(data.file("config.db"));
      return { store: openSqliteConfigStore({ path: data.file("config.db"), clock }), isNew };
    }
    case "consul": {
      const { openConsulConfigStore } = await import("../config-store/consul.ts");
      const { url, token, prefix } = settings;
      return openConsulConfigStore({ connection: { url, token, tls: settings }, prefix, clock, random, log });
    }
  }
}

function openArtifactStore(
  settings: Settings["artifactStore"],
  data: DataDirectory,
  { clock, ids, log }: Surroundings,
): Promise<ArtifactStore> {
  switch (settings.driver) {
    case "filesystem":
      return FilesystemArtifactStore.open({ directory: data.file("artifacts"), clock });
    case "s3": {
      const { driver: _, accessKeyId, secretAccessKey, endpoint, pathStyle, authorityFile, ...same } = settings;
      const credentials = accessKeyId && secretAccessKey ? { accessKeyId, secretAccessKey } : undefined;
      const server = { endpoint, authorityFile, pathStyle: pathStyle ?? endpoint !== undefined, credentials };
      return S3ArtifactStore.open({ ...same, ...server, clock, ids, log });
    }
  }
}

async function openOpsData(
  settings: Settings["opsData"],
  data: DataDirectory,
  { clock, log }: Surroundings,
): Promise<OpsData> {
  switch (settings.driver) {
    case "sqlite":
      return SqliteOpsData.open({ path: data.file("ops.db"), log });
    case "elasticsearch": {
      const { ElasticsearchOpsData } = await import("../ops-data/elasticsearch.ts");
      const { url, user, password, apiKey, prefix, replicas } = settings;
      const connection = { url, user, password, apiKey, tls: settings };
      return ElasticsearchOpsData.open({ connection, indices: { prefix, replicas }, clock });
    }
  }
}

function openCatalog(
  settings: StoreSettings,
  data: DataDirectory,
  { clock, ids, log }: Surroundings,
): Promise<Catalog> {
  const { migrate: migrates } = settings.catalog;
  switch (settings.catalog.driver) {
    case "sqlite":
      return openSqliteCatalog({ path: data.file("catalog.db"), migrates, clock, ids, log });
    case "postgres": {
      const { url, connections } = settings.catalog;
      // An embedded backbone counts its own offsets, which another process's would be taken for.
      return openPostgresCatalog({ url, connections, migrates, alone: !isShared(settings), clock, ids, log });
    }
  }
}

/** Brings the schema of the catalog up to date, or only looks, and answers where it stood. Throws `conflict` while an embedded one is in use. */
export async function migrateCatalog({ catalog, dataDir }: Settings, look: boolean): Promise<SchemaStanding> {
  if (catalog.driver === "postgres") return migratePostgresCatalog(catalog.url, look);
  const data = openDataDirectory(dataDir);
  try {
    return await migrateSqliteCatalog(data.file("catalog.db"), look);
  } finally {
    data.release();
  }
}

/** Early: nothing may start that needs secrets which cannot be opened. */
async function openVault(settings: StoreSettings, { secrets }: ConfigStore, { random }: Surroundings): Promise<Vault> {
  const isNew = (await secrets.canary()) === undefined;
  return Vault.open({ store: secrets, keys: secretsKeys(settings, random, isNew), random });
}

function busRetention(settings: StoreSettings): Record<string, number> {
  const { busMs } = settings.retention;
  return { [topics.events]: busMs, [topics.platform]: busMs, [topics.deadLetter]: busMs };
}
