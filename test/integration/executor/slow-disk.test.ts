import { setImmediate as turn } from "node:timers/promises";
import { expect, onTestFinished, test } from "vitest";
import { openSqliteBus } from "../../../src/bus/sqlite.ts";
import { executor as instance, Scene } from "../../../src/catalog/contract/scene.contract.ts";
import type { LeaseStore } from "../../../src/catalog/leases.ts";
import { openSqliteCatalog } from "../../../src/catalog/sqlite.ts";
import { openSqliteConfigStore } from "../../../src/config-store/sqlite.ts";
import { Vault } from "../../../src/config-store/vault.ts";
import { Executor } from "../../../src/executor/executor.ts";
import { ServiceConfiguration } from "../../../src/executor/service-configuration.ts";
import { ServiceSecrets } from "../../../src/executor/service-secrets.ts";
import { ServiceUse } from "../../../src/executor/service-use.ts";
import type { StepRunner } from "../../../src/executor/step-runner.ts";
import { createIds } from "../../../src/foundation/ids.ts";
import { silentLog } from "../../../src/foundation/log.ts";
import { systemRandom } from "../../../src/foundation/random.ts";
import { manifestSchema } from "../../../src/services/manifest.ts";
import { noLimits } from "../../../src/services/run-limits.ts";
import { eventually } from "../../support/eventually.ts";
import { ManualClock } from "../../support/manual-clock.ts";

const slots = 2;
const executions = 30;

/** The real catalog, whose ends are stored once `disk` is resolved. */
async function startExecutor({ promise: disk, resolve }: PromiseWithResolvers<void>) {
  const clock = new ManualClock();
  const ids = createIds(clock, systemRandom);
  const bus = openSqliteBus({ path: ":memory:", clock, log: silentLog, partitions: 1 });
  const catalog = await openSqliteCatalog({ path: ":memory:", clock, ids, log: silentLog });
  const configStore = openSqliteConfigStore({ clock });
  const vault = await Vault.open({ store: configStore.secrets, keys: [new Uint8Array(32)], random: systemRandom });
  const scene = new Scene(catalog, clock, ids);
  await scene.deploy();
  await scene.route(...Array.from({ length: executions }, () => scene.event()));
  const leases: LeaseStore = {
    ...catalog.leases,
    finish: (reports) => disk.then(() => catalog.leases.finish(reports)),
  };
  const exited = { kind: "exited", exitCode: 0, outputBytes: 0, truncated: false } as const;
  let begun = 0;
  const runner: StepRunner = {
    run() {
      begun += 1;
      return { result: Promise.resolve(exited), keepAlive() {}, stop() {} };
    },
    async close() {},
  };
  const executor = new Executor({
    bus,
    leases,
    jobs: catalog.jobs,
    state: configStore.state,
    configuration: new ServiceConfiguration(configStore.configuration),
    secrets: new ServiceSecrets(vault),
    services: catalog.services,
    runner,
    versions: {
      open: async () => ({ directory: "/", manifest: manifestSchema.parse({}), scripts: ["main.py"] }),
    },
    clock,
    random: systemRandom,
    log: silentLog,
    instance,
    slots,
    use: new ServiceUse(),
    laneWeights: { high: 7, regular: 2, low: 1 },
    pollMs: 1000,
    leaseMs: 30_000,
    leaseMarginMs: 1000,
    outputCapBytes: 10_000,
    caps: noLimits,
    level: "process",
    killGraceMs: 500,
  });
  executor.start();
  onTestFinished(async () => {
    resolve();
    await executor.stop(0);
    await Promise.all([bus.close(), catalog.close(), configStore.close()]);
  });
  return { bus, catalog, executor, begun: () => begun };
}

test("D9: slots go on while ends wait for the disk, for four attempts a slot; what is claimed past them would only hold leases", async () => {
  const disk = Promise.withResolvers<void>();
  const { bus, catalog, executor, begun } = await startExecutor(disk);
  await eventually(() => begun() === 4 * slots);
  // However often it is woken.
  for (let turns = 0; turns < 500; turns += 1) {
    bus.signal("dispatch");
    await turn();
  }
  expect([begun(), executor.busy]).toEqual([4 * slots, 4 * slots]);
  const pending = await catalog.executions.list({ status: ["pending"] }, { limit: executions });
  expect(pending.items).toHaveLength(executions - 4 * slots);
  disk.resolve();
  await eventually(() => begun() === executions && executor.busy === 0);
});
