import path from "node:path";
import { onTestFinished } from "vitest";
import { FilesystemArtifactStore } from "../../src/artifact-store/filesystem.ts";
import { openSqliteBus } from "../../src/bus/sqlite.ts";
import { openSqliteCatalog } from "../../src/catalog/sqlite.ts";
import { loadSettings, type Settings } from "../../src/config/settings.ts";
import { openSqliteConfigStore } from "../../src/config-store/sqlite.ts";
import { Vault } from "../../src/config-store/vault.ts";
import { systemClock } from "../../src/foundation/clock.ts";
import type { Problem } from "../../src/foundation/errors.ts";
import { createIds } from "../../src/foundation/ids.ts";
import { silentLog } from "../../src/foundation/log.ts";
import { systemRandom } from "../../src/foundation/random.ts";
import { ProcessMetrics } from "../../src/manager/api/process-metrics.ts";
import { createApi } from "../../src/manager/api/server.ts";
import { SqliteOpsData } from "../../src/ops-data/sqlite.ts";
import { OutboxPublisher } from "../../src/recovery/outbox-publisher.ts";
import { Router } from "../../src/router/router.ts";
import { noLimits } from "../../src/services/run-limits.ts";
import { tempDir } from "./temp-dir.ts";

export const testToken = "the-administrators-token";

export interface ApiServerOptions {
  /** Routes what is accepted, with the real router. */
  routed?: boolean;
  limits?: Partial<Settings["limits"]>;
  checkScripts?(directory: string, paths: readonly string[]): Promise<Problem[]>;
  health?(): Record<string, string | undefined>;
}

export type ApiServer = Awaited<ReturnType<typeof startApiServer>>;

/** The API over HTTP on the real embedded stores, for one test; closed when the test is finished. */
export async function startApiServer(options: ApiServerOptions = {}) {
  const directory = tempDir();
  const clock = systemClock;
  const log = silentLog;
  const ids = createIds(clock, systemRandom);
  const { settings } = loadSettings({ environment: {}, directory });
  const bus = openSqliteBus({ path: path.join(directory, "bus.db"), clock, log, partitions: 2 });
  const catalog = await openSqliteCatalog({ path: path.join(directory, "catalog.db"), clock, ids, log });
  const artifacts = await FilesystemArtifactStore.open({ directory: path.join(directory, "artifacts"), clock });
  const opsData = await SqliteOpsData.open({ path: path.join(directory, "ops.db"), log });
  const configStore = openSqliteConfigStore({ path: path.join(directory, "config.db"), clock });
  const vault = await Vault.open({ store: configStore.secrets, keys: [new Uint8Array(32)], random: systemRandom });
  const app = await createApi({
    bus,
    catalog,
    artifacts,
    opsData,
    configStore,
    vault,
    random: systemRandom,
    clock,
    ids,
    log,
    metrics: new ProcessMetrics([]),
    settings: { ...settings, limits: { ...settings.limits, ...options.limits } },
    token: testToken,
    productVersion: "0.0.0-test",
    caps: noLimits,
    checkScripts: options.checkScripts ?? (async () => []),
    ...(options.health ? { health: options.health } : {}),
  });
  const url = await app.listen({ host: "127.0.0.1", port: 0 });
  const router = new Router({ bus, catalog, clock, ids, log, limits: settings.limits, batchSize: 100 });
  const outbox = new OutboxPublisher({ bus, outbox: catalog.outbox, clock, log, pollMs: 50 });
  if (options.routed) {
    await router.start();
    outbox.start();
  }
  const stop = async () => {
    await app.close();
    if (options.routed) {
      await outbox.stop();
      await router.stop();
    }
    await Promise.all([bus.close(), catalog.close(), artifacts.close(), opsData.close(), configStore.close()]);
  };
  onTestFinished(stop);

  /** A call with the administrator's token; `json` and `body` exclude each other. */
  async function call(method: string, target: string, { json, body, headers }: CallOptions = {}) {
    const response = await fetch(url + target, {
      method,
      headers: {
        authorization: `Bearer ${testToken}`,
        ...(json === undefined ? {} : { "content-type": "application/json" }),
        ...headers,
      },
      ...(json === undefined ? {} : { body: JSON.stringify(json) }),
      ...(body === undefined ? {} : { body: body as NonNullable<RequestInit["body"]> }),
    });
    const text = await response.text();
    return { status: response.status, headers: response.headers, text, json: parse(text) };
  }

  return { url, app, bus, catalog, artifacts, opsData, configStore, vault, ids, call };
}

interface CallOptions {
  json?: unknown;
  body?: Uint8Array | string;
  headers?: Record<string, string>;
}

// biome-ignore lint/suspicious/noExplicitAny: a test reads whatever the API answered, and asserts on it.
function parse(text: string): any {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
