import { DirectoryWatcher } from "../adapters/watch/directory-watcher.ts";
import type { Settings } from "../config/settings.ts";
import { readLaneWeights } from "../executions/lanes.ts";
import { ContainerSweeper } from "../executor/containers/container-sweeper.ts";
import { Executor } from "../executor/executor.ts";
import { ServiceConfiguration } from "../executor/service-configuration.ts";
import { ServiceSecrets } from "../executor/service-secrets.ts";
import { VersionCache } from "../executor/version-cache.ts";
import type { InstanceId } from "../foundation/ids.ts";
import { threadIdleTime } from "../foundation/turn.ts";
import { LeaseRecovery } from "../recovery/lease-recovery.ts";
import { OutboxPublisher } from "../recovery/outbox-publisher.ts";
import { RetentionKeeper } from "../recovery/retention-keeper.ts";
import { Router } from "../router/router.ts";
import { Scheduler } from "../scheduler/scheduler.ts";
import { EventTypeSink } from "../sinks/event-type-sink.ts";
import { HistorySink } from "../sinks/history-sink.ts";
import { LogSink } from "../sinks/log-sink.ts";
import type { Stores, Surroundings } from "./compose.ts";
import { runCaps } from "./run-caps.ts";
import type { StepRunners } from "./step-runners.ts";

/** Everything that works in the background of one process, in the order it starts. */
export interface Parts {
  start(): Promise<void>;
  /** Claims nothing more, lets running steps end for at most `drainMs`, then stops all. */
  stop(drainMs: number): Promise<void>;
}

export interface PartsOptions extends Surroundings {
  settings: Settings;
  stores: Stores;
  runners: StepRunners;
  instance: InstanceId;
}

export function createParts(options: PartsOptions): Parts {
  const { settings, stores, runners, instance, clock, random, ids, log } = options;
  const { bus, catalog, configStore, vault, artifacts, opsData } = stores;
  const { retention, limits } = settings;

  const sink = new LogSink({ bus, opsData, clock, log });
  const typeSink = new EventTypeSink({
    bus,
    eventTypes: catalog.eventTypes,
    clock,
    log,
    idleTime: threadIdleTime,
  });
  const historySink = new HistorySink({ bus, history: opsData.history, clock, log, idleTime: threadIdleTime });
  const outbox = new OutboxPublisher({ bus, outbox: catalog.outbox, clock, log, pollMs: settings.recovery.pollMs });
  const leases = new LeaseRecovery({ bus, leases: catalog.leases, clock, log, pollMs: settings.recovery.pollMs });
  const { pollMs, toleranceMs, catchUpRuns } = settings.scheduler;
  const catchUp = { toleranceMs, runs: catchUpRuns };
  const scheduler = new Scheduler({ bus, catalog, clock, ids, log, pollMs, catchUp });
  const keeper = new RetentionKeeper({
    bus,
    retention: catalog.retention,
    services: catalog.services,
    artifacts,
    opsData,
    environments: runners.processes.environments,
    clock,
    log,
    ages: { ...retention, environmentsMs: settings.dependencies.unusedMs },
    everyMs: retention.everyMs,
  });
  const router = new Router({
    bus,
    catalog,
    clock,
    ids,
    log,
    limits: { ...limits, dedupeWindowMs: retention.ledgerMs },
    batchSize: settings.router.batchSize,
    idleTime: threadIdleTime,
  });
  const executor = new Executor({
    bus,
    leases: catalog.leases,
    jobs: catalog.jobs,
    state: configStore.state,
    configuration: new ServiceConfiguration(configStore.configuration),
    secrets: new ServiceSecrets(vault),
    services: catalog.services,
    runner: runners.steps,
    versions: new VersionCache({
      services: catalog.services,
      artifacts,
      directoryOf: (version) => runners.processes.runRoot.versionDirectory(version),
      environments: runners.processes.environments,
      compile: (version, directory) => runners.processes.compile(version, directory),
      languageOf: (script) => runners.processes.languageOf(script),
    }),
    clock,
    random,
    log,
    instance,
    slots: settings.executor.slots,
    laneWeights: readLaneWeights(settings.executor.lanes),
    pollMs: settings.executor.pollMs,
    leaseMs: settings.executor.leaseMs,
    leaseMarginMs: settings.executor.leaseMarginMs,
    killGraceMs: settings.executor.killGraceMs,
    outputCapBytes: limits.outputBytes,
    caps: runCaps(settings),
    level: settings.executor.level,
  });

  const sweeper = new ContainerSweeper({
    runner: runners.containers,
    executions: catalog.executions,
    clock,
    log,
    everyMs: settings.executor.containers.sweepMs,
  });

  const { directories, project, settleMs, contentBytes } = settings.watch;
  const adapters = directoriesOf(directories).map(
    (directory) =>
      new DirectoryWatcher({
        bus,
        marks: catalog.adapterMarks,
        clock,
        log,
        directory,
        project,
        settleMs,
        contentBytes,
      }),
  );

  return {
    async start() {
      await sink.start();
      await typeSink.start();
      await historySink.start();
      await router.start();
      outbox.start();
      leases.start();
      sweeper.start();
      executor.start();
      scheduler.start();
      for (const adapter of adapters) await adapter.start();
      keeper.start();
    },
    async stop(drainMs) {
      for (const adapter of adapters) await adapter.stop();
      await scheduler.stop();
      await executor.stop(drainMs);
      await sweeper.stop();
      await runners.steps.close();
      await leases.stop();
      // What the last runs left to say reaches the backbone before the router stops reading it.
      await outbox.stop();
      await router.stop();
      await keeper.stop();
      await historySink.stop();
      await typeSink.stop();
      await sink.stop();
    },
  };
}

function directoriesOf(list: string | undefined): string[] {
  return (list ?? "").split(":").filter((directory) => directory !== "");
}
