import { onTestFinished } from "vitest";
import { openSqliteBus } from "../../src/bus/sqlite.ts";
import type { Catalog } from "../../src/catalog/catalog.ts";
import { executor as instance, Scene } from "../../src/catalog/contract/scene.contract.ts";
import { openSqliteCatalog } from "../../src/catalog/sqlite.ts";
import { openSqliteConfigStore } from "../../src/config-store/sqlite.ts";
import { Vault } from "../../src/config-store/vault.ts";
import { Executor, type ExecutorParts } from "../../src/executor/executor.ts";
import { ServiceConfiguration } from "../../src/executor/service-configuration.ts";
import { ServiceSecrets } from "../../src/executor/service-secrets.ts";
import { ServiceUse } from "../../src/executor/service-use.ts";
import type { StepRequest, StepResult, StepRunner } from "../../src/executor/step-runner.ts";
import type { Clock } from "../../src/foundation/clock.ts";
import { createIds } from "../../src/foundation/ids.ts";
import { silentLog } from "../../src/foundation/log.ts";
import { systemRandom } from "../../src/foundation/random.ts";
import { manifestSchema } from "../../src/services/manifest.ts";
import { noLimits } from "../../src/services/run-limits.ts";
import type { ManualClock } from "./manual-clock.ts";

export const completed: StepResult = { kind: "exited", exitCode: 0, outputBytes: 0, truncated: false };

/** Scripts that end with what `run` answers, and count as begun. */
export class TestScripts implements StepRunner {
  begun = 0;
  readonly #run: (request: StepRequest) => Promise<StepResult>;

  constructor(run: (request: StepRequest) => Promise<StepResult> = async () => completed) {
    this.#run = run;
  }

  run(request: StepRequest) {
    this.begun += 1;
    return { result: this.#run(request), keepAlive() {}, stop() {} };
  }

  async close(): Promise<void> {}
}

/** A catalog in memory with so many executions of one service ready. */
export async function readyScene(clock: ManualClock, executions: number): Promise<Scene> {
  const ids = createIds(clock, systemRandom);
  const catalog = await openSqliteCatalog({ path: ":memory:", clock, ids, log: silentLog });
  onTestFinished(() => catalog.close());
  const scene = new Scene(catalog, clock, ids);
  await scene.deploy();
  await scene.route(...Array.from({ length: executions }, () => scene.event()));
  return scene;
}

/**
 * An executor of a catalog that the test opened, with a bus in memory and a runner of the test's; it is not started. What the test
 * does not give are the usual settings.
 */
export async function testExecutor(
  catalog: Catalog,
  given: Pick<ExecutorParts, "slots" | "runner"> & Partial<ExecutorParts> & { clock: Clock },
) {
  const { clock } = given;
  const bus = openSqliteBus({ path: ":memory:", clock, log: silentLog, partitions: 1 });
  const store = openSqliteConfigStore({ clock });
  const vault = await Vault.open({ store: store.secrets, keys: [new Uint8Array(32)], random: systemRandom });
  const executor = new Executor({
    ...catalog,
    bus,
    state: store.state,
    configuration: new ServiceConfiguration(store.configuration),
    secrets: new ServiceSecrets(vault),
    use: new ServiceUse(),
    versions: {
      open: async () => ({ directory: "/", manifest: manifestSchema.parse({}), scripts: ["main.py"] }),
    },
    random: systemRandom,
    log: silentLog,
    instance,
    reliefSlots: 0,
    aheadMs: 20,
    laneWeights: { high: 7, regular: 2, low: 1 },
    pollMs: 1000,
    leaseMs: 30_000,
    leaseMarginMs: 1000,
    outputCapBytes: 10_000,
    caps: noLimits,
    level: "process",
    killGraceMs: 500,
    ...given,
  });
  onTestFinished(async () => {
    await bus.close();
    await store.close();
  });
  return { executor, bus };
}
