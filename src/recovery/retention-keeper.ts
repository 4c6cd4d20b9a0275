import type { ArtifactStore } from "../artifact-store/artifact-store.ts";
import type { Bus } from "../bus/bus.ts";
import type { RetentionAges, RetentionStore } from "../catalog/retention.ts";
import type { ServiceStore } from "../catalog/services.ts";
import { logGroup, metricGroup, routerGroup } from "../events/consumer-groups.ts";
import { topics } from "../events/topics.ts";
import type { Clock } from "../foundation/clock.ts";
import type { Log } from "../foundation/log.ts";
import { Loop } from "../foundation/loop.ts";
import type { OpsData } from "../ops-data/ops-data.ts";

export interface RetentionKeeperParts {
  bus: Bus;
  retention: RetentionStore;
  services: Pick<ServiceStore, "referencedFiles">;
  artifacts: ArtifactStore;
  opsData: OpsData;
  clock: Clock;
  log: Log;
  ages: RetentionAges & { logsMs: number; historyMs: number; metricsMs: number };
  everyMs: number;
}

/** Rows per table and call: a prune must never hold up the routing transaction for long. */
const stepRows = 500;
/** A file stored just before its version is, must not be taken for forgotten. */
const artifactGraceMs = 24 * 3_600_000;
/** Who must have read a topic's records before they may go. */
const readers = {
  [topics.events]: routerGroup,
  [topics.platform]: routerGroup,
  [topics.logs]: logGroup,
  [topics.metrics]: metricGroup,
};

/** Forgets what is past its age, so that history does not slow the present (rule D13). Any number may run, and one at a time works. */
export class RetentionKeeper {
  readonly #loop: Loop;
  readonly #parts: RetentionKeeperParts;

  constructor(parts: RetentionKeeperParts) {
    this.#parts = parts;
    const { clock, log, everyMs } = parts;
    this.#loop = new Loop({
      name: "retention",
      clock,
      log,
      idleMs: everyMs,
      work: (stopping) => this.#pruneAlone(stopping),
    });
  }

  start(): void {
    this.#loop.start();
  }

  async stop(): Promise<void> {
    await this.#loop.stop();
  }

  async #pruneAlone(stopping: AbortSignal): Promise<void> {
    await this.#parts.retention.alone(() => this.#prune(stopping));
  }

  async #prune(stopping: AbortSignal): Promise<void> {
    const { ages, artifacts, bus, clock, log, opsData, retention, services } = this.#parts;
    const records = await bus.prune(readers);
    let rows = 0;
    for (let step = -1; step !== 0 && !stopping.aborted; rows += step) step = await retention.prune(ages, stepRows);
    const logs = await opsData.prune(clock.now() - ages.logsMs);
    const history = await opsData.history.prune(clock.now() - ages.historyMs);
    const metrics = await opsData.metrics.prune(clock.now() - ages.metricsMs);
    const files = await artifacts.sweep(await services.referencedFiles(), artifactGraceMs);
    if (records + rows + logs + history + metrics + files > 0)
      log.info({ records, rows, logs, history, metrics, files }, "retention: deleted what is past its age");
  }
}
