import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { openSqliteBus } from "../../../src/bus/sqlite.ts";
import { Scene } from "../../../src/catalog/contract/scene.contract.ts";
import { openSqliteConfigStore } from "../../../src/config-store/sqlite.ts";
import { Vault } from "../../../src/config-store/vault.ts";
import { Executor } from "../../../src/executor/executor.ts";
import { ServiceConfiguration } from "../../../src/executor/service-configuration.ts";
import { ServiceSecrets } from "../../../src/executor/service-secrets.ts";
import { ServiceUse } from "../../../src/executor/service-use.ts";
import type { StepRunner } from "../../../src/executor/step-runner.ts";
import { systemClock } from "../../../src/foundation/clock.ts";
import { createIds, type InstanceId } from "../../../src/foundation/ids.ts";
import { silentLog } from "../../../src/foundation/log.ts";
import { systemRandom } from "../../../src/foundation/random.ts";
import { manifestSchema } from "../../../src/services/manifest.ts";
import { noLimits } from "../../../src/services/run-limits.ts";
import { eventually } from "../../support/eventually.ts";
import { ManualClock } from "../../support/manual-clock.ts";
import { postgresForFile } from "../../support/postgres-catalog.ts";
import { tempDir } from "../../support/temp-dir.ts";

const postgres = postgresForFile();
const around = { clock: systemClock, random: systemRandom, log: silentLog };
const ids = createIds(systemClock, systemRandom);
const longMs = 600_000;

const runner: StepRunner = {
  run: () => ({
    result: Promise.resolve({ kind: "exited", exitCode: 0, outputBytes: 0, truncated: false }),
    keepAlive() {},
    stop() {},
  }),
  close: async () => {},
};

test("an executor that no signal reaches is told by PostgreSQL that executions came", async () => {
  const directory = tempDir();
  const bus = openSqliteBus({ ...around, path: join(directory, "bus.db"), partitions: 1 });
  const store = openSqliteConfigStore({ ...around, path: join(directory, "c.db") });
  onTestFinished(async () => {
    await bus.close();
    await store.close();
  });
  const url = await postgres.emptyCatalog();
  const catalog = await postgres.open({ url });
  const vault = await Vault.open({ store: store.secrets, keys: [new Uint8Array(32)], random: systemRandom });
  const executor = new Executor({
    ...around,
    ...catalog,
    bus,
    state: store.state,
    configuration: new ServiceConfiguration(store.configuration),
    secrets: new ServiceSecrets(vault),
    runner,
    use: new ServiceUse(),
    versions: { open: async () => ({ directory, manifest: manifestSchema.parse({}), scripts: ["main.py"] }) },
    instance: ids.next() as InstanceId,
    slots: 1,
    laneWeights: { high: 7, regular: 2, low: 1 },
    pollMs: longMs,
    leaseMs: longMs,
    leaseMarginMs: 1000,
    outputCapBytes: 1000,
    caps: noLimits,
    level: "process",
    killGraceMs: 1000,
  });
  const elsewhere = new Scene(await postgres.open({ url, ids }), new ManualClock(), ids);
  await elsewhere.deploy();
  executor.start();
  onTestFinished(() => executor.stop(0));
  // More than one: whichever it finds by its first look, the others come later.
  for (let n = 0; n < 3; n += 1) {
    const { id } = await elsewhere.start();
    await eventually(async () => (await elsewhere.status(id)) === "completed");
  }
  expect(await catalog.executions.count({ status: ["completed"] })).toBe(3);
});
