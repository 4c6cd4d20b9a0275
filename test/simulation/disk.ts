import { DatabaseSync } from "node:sqlite";
import type { Bus } from "../../src/bus/bus.ts";
import { openSqliteBus } from "../../src/bus/sqlite.ts";
import type { Catalog } from "../../src/catalog/catalog.ts";
import { openSqliteCatalog } from "../../src/catalog/sqlite.ts";
import type { ConfigStore } from "../../src/config-store/config-store.ts";
import { openSqliteConfigStore } from "../../src/config-store/sqlite.ts";
import type { Clock } from "../../src/foundation/clock.ts";
import { createIds } from "../../src/foundation/ids.ts";
import { silentLog } from "../../src/foundation/log.ts";
import type { Random } from "../../src/foundation/random.ts";

export interface Drivers {
  bus: Bus;
  catalog: Catalog;
  configStore: ConfigStore;
}

export interface DriverParts {
  clock: Clock;
  random: Random;
  partitions: number;
  /** When a group commit is made. */
  defer(run: () => void): void;
}

const names = ["bus", "catalog", "configStore"] as const;
let template: Record<(typeof names)[number], Uint8Array> | undefined;

/** What a crash leaves: the databases, in memory, each in a file of its own (rule D20). */
export class Disk {
  readonly #databases: Record<(typeof names)[number], DatabaseSync>;

  private constructor() {
    this.#databases = { bus: openMemory(), catalog: openMemory(), configStore: openMemory() };
  }

  /** An empty disk. The schema is made once and copied, which is a tenth of the cost. */
  static async create(parts: DriverParts): Promise<Disk> {
    const disk = new Disk();
    if (template === undefined) {
      await disk.open(parts);
      const { bus, catalog, configStore } = disk.#databases;
      template = { bus: bus.serialize(), catalog: catalog.serialize(), configStore: configStore.serialize() };
      return Disk.create(parts);
    }
    for (const name of names) disk.#databases[name].deserialize(template[name]);
    return disk;
  }

  /** New drivers over what is there. Those opened before are dead from now on. */
  async open({ clock, random, partitions, defer }: DriverParts): Promise<Drivers> {
    const log = silentLog;
    const { bus, catalog, configStore } = this.#databases;
    return {
      bus: openSqliteBus({ database: bus, clock, log, partitions, defer }),
      catalog: await openSqliteCatalog({ database: catalog, clock, ids: createIds(clock, random), log }),
      configStore: openSqliteConfigStore({ database: configStore, clock }),
    };
  }

  close(): void {
    for (const name of names) this.#databases[name].close();
  }
}

function openMemory(): DatabaseSync {
  return new DatabaseSync(":memory:", { enableForeignKeyConstraints: true });
}
