import type { Bus } from "../../src/bus/bus.ts";
import type { Catalog } from "../../src/catalog/catalog.ts";
import type { ConfigStore } from "../../src/config-store/config-store.ts";
import { Vault } from "../../src/config-store/vault.ts";
import { Executor } from "../../src/executor/executor.ts";
import { ServiceConfiguration } from "../../src/executor/service-configuration.ts";
import { ServiceSecrets } from "../../src/executor/service-secrets.ts";
import { ServiceUse } from "../../src/executor/service-use.ts";
import type { StepRunner } from "../../src/executor/step-runner.ts";
import type { VersionSource } from "../../src/executor/version-source.ts";
import type { Clock } from "../../src/foundation/clock.ts";
import { createIds, type InstanceId } from "../../src/foundation/ids.ts";
import type { Log } from "../../src/foundation/log.ts";
import type { Random } from "../../src/foundation/random.ts";
import { LeaseRecovery } from "../../src/recovery/lease-recovery.ts";
import { OutboxPublisher } from "../../src/recovery/outbox-publisher.ts";
import { reconcileState } from "../../src/recovery/state-log.ts";
import { Router } from "../../src/router/router.ts";
import { Scheduler as Schedules } from "../../src/scheduler/scheduler.ts";
import { noLimits } from "../../src/services/run-limits.ts";
import type { WorldOptions } from "./options.ts";

export interface ProcessPorts {
  bus: Bus;
  catalog: Catalog;
  configStore: ConfigStore;
  runner: StepRunner;
  versions: VersionSource;
  clock: Clock;
  random: Random;
  log: Log;
}

/** The real parts of one process, put together and started in the order of src/platform. */
export async function startParts(
  ports: ProcessPorts,
  options: WorldOptions,
  instance: InstanceId,
): Promise<{ appended: number; stop(graceMs: number): Promise<void> }> {
  const { bus, catalog, configStore, runner, versions, clock, random, log } = ports;
  const ids = createIds(clock, random);
  const { pollMs, leaseMs, leaseMarginMs, slots, reliefSlots, aheadMs, batchSize, limits } = options;
  const { appended } = await reconcileState(bus, configStore.state);
  const vault = await Vault.open({ store: configStore.secrets, keys: [new Uint8Array(32)], random });
  if (options.topology === "embedded") await catalog.leases.expireOthers([instance]);
  const outbox = new OutboxPublisher({ bus, outbox: catalog.outbox, clock, log, pollMs });
  const recovery = new LeaseRecovery({ bus, leases: catalog.leases, clock, log, pollMs });
  const router = new Router({ bus, catalog, clock, ids, log, limits, batchSize });
  const executor = new Executor({
    use: new ServiceUse(),
    bus,
    leases: catalog.leases,
    jobs: catalog.jobs,
    state: configStore.state,
    configuration: new ServiceConfiguration(configStore.configuration),
    secrets: new ServiceSecrets(vault),
    services: catalog.services,
    runner,
    versions,
    clock,
    random,
    log,
    instance,
    slots,
    reliefSlots,
    aheadMs,
    laneWeights: { high: 7, regular: 2, low: 1 },
    pollMs,
    leaseMs,
    leaseMarginMs,
    outputCapBytes: 10_000,
    caps: noLimits,
    level: "process",
    killGraceMs: leaseMarginMs / 2,
  });
  const catchUp = { toleranceMs: 2 * pollMs, runs: 3 };
  const schedules = new Schedules({ bus, catalog, clock, ids, log, pollMs, catchUp });
  await router.start();
  outbox.start();
  recovery.start();
  executor.start();
  schedules.start();
  return {
    appended,
    async stop(graceMs) {
      await schedules.stop();
      await executor.stop(graceMs);
      await router.stop();
      await recovery.stop();
      await outbox.stop();
    },
  };
}
