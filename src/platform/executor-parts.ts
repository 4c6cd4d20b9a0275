import { readLaneWeights } from "../executions/lanes.ts";
import { ContainerSweeper } from "../executor/containers/container-sweeper.ts";
import { Executor } from "../executor/executor.ts";
import { ServiceConfiguration } from "../executor/service-configuration.ts";
import { ServiceSecrets } from "../executor/service-secrets.ts";
import { ServiceUse } from "../executor/service-use.ts";
import { VersionCache } from "../executor/version-cache.ts";
import type { Figure } from "../metrics/figure.ts";
import type { Part, PartsOptions } from "./part.ts";
import { runCaps } from "./run-caps.ts";
import type { StepRunners } from "./step-runners.ts";

export function executorParts(options: PartsOptions, runners: StepRunners): Part[] {
  const { settings, stores, clock, log } = options;
  const { containers } = runners;
  const { slots } = settings.executor;
  const use = new ServiceUse();
  const executor = newExecutor(options, runners, use);
  return [
    new ContainerSweeper({
      runner: containers,
      executions: stores.catalog.executions,
      clock,
      log,
      everyMs: settings.executor.containers.sweepMs,
    }),
    {
      start: () => executor.start(),
      stop: (drainMs) => executor.stop(drainMs),
      figures: [
        gauge(
          "fx_executor_slots",
          "Scripts that may run at the same time, without those beside the slots",
          () => slots,
        ),
        gauge("fx_executor_attempts", "Attempts under way, with those beside the slots", () => executor.busy),
        counter("fx_executor_relieved_total", "Runs that began beside the slots", () => executor.relieved),
        ...use.figures,
      ],
    },
  ];
}

/** Several times what a claim takes: what it costs, whatever is in it, is shared by as many runs as slots can begin in the meantime. */
const claimAheadMs = 40;

function newExecutor(options: PartsOptions, { processes, steps }: StepRunners, use: ServiceUse): Executor {
  const { settings, stores, instance, clock, random, log } = options;
  const { bus, catalog, configStore, vault, artifacts } = stores;
  const { slots, reliefSlots, lanes, pollMs, leaseMs, leaseMarginMs, killGraceMs, level } = settings.executor;
  return new Executor({
    bus,
    leases: catalog.leases,
    news: catalog.news,
    jobs: catalog.jobs,
    state: configStore.state,
    configuration: new ServiceConfiguration(configStore.configuration),
    secrets: new ServiceSecrets(vault),
    services: catalog.services,
    runner: steps,
    versions: new VersionCache({
      services: catalog.services,
      artifacts,
      directoryOf: (version) => processes.runRoot.versionDirectory(version),
      environments: processes.environments,
      compile: (version, directory) => processes.compile(version, directory),
      languageOf: (script) => processes.languageOf(script),
    }),
    clock,
    random,
    log,
    instance,
    slots,
    reliefSlots,
    aheadMs: claimAheadMs,
    laneWeights: readLaneWeights(lanes),
    pollMs,
    leaseMs,
    leaseMarginMs,
    killGraceMs,
    outputCapBytes: settings.limits.outputBytes,
    caps: runCaps(settings),
    level,
    use,
  });
}

function gauge(name: string, help: string, value: () => number): Figure {
  return { name, help, kind: "gauge", isKept: true, read: () => [{ value: value() }] };
}

function counter(...[name, help, value]: Parameters<typeof gauge>): Figure {
  return { ...gauge(name, help, value), kind: "counter" };
}
