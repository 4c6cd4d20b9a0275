import { forgetAddress, keepAddress } from "../config/address.ts";
import { loadSettings, type Settings, type SettingsSources } from "../config/settings.ts";
import { administratorToken } from "../config/token.ts";
import { describeControlGroups } from "../executor/isolation/control-groups.ts";
import { describeIsolation } from "../executor/isolation/isolation.ts";
import { systemClock } from "../foundation/clock.ts";
import { PlatformError } from "../foundation/errors.ts";
import { createIds, type InstanceId } from "../foundation/ids.ts";
import type { Log } from "../foundation/log.ts";
import { systemRandom } from "../foundation/random.ts";
import type { ApiParts } from "../manager/api/api-parts.ts";
import { createOperations } from "../manager/api/operations.ts";
import { ProcessMetrics } from "../manager/api/process-metrics.ts";
import { createApi } from "../manager/api/server.ts";
import { processFigures } from "../metrics/process-figures.ts";
import { reconcileState } from "../recovery/state-log.ts";
import { openStores, type Stores, type Surroundings } from "./compose.ts";
import { openDataDirectory } from "./data-directory.ts";
import { EngineWatch } from "./engine-watch.ts";
import { createLog } from "./logger.ts";
import { MetricSampler } from "./metric-sampler.ts";
import { requireNotMoved } from "./moved-ports.ts";
import { createParts } from "./parts.ts";
import { productVersion } from "./product-version.ts";
import { allRoles, hasEngines, isShared, portsOf, type Role, requireSharedEngines } from "./roles.ts";
import { runCaps } from "./run-caps.ts";
import { openStepRunners, runHindrance, type StepRunners } from "./step-runners.ts";

export interface Platform {
  /** Where clients reach it, e.g. http://127.0.0.1:8080. */
  url: string;
  /** Drains: no new claims, running steps get their grace; resolves when everything is closed. */
  close(): Promise<void>;
}

/**
 * Starts this process's roles, everything unless told otherwise; resolves when it can take events. Throws PlatformError, with
 * nothing left behind, when the settings are wrong, the data directory is in use, or the port is taken.
 */
export async function startPlatform(
  sources: SettingsSources = {},
  roles: readonly Role[] = allRoles,
): Promise<Platform> {
  const { settings } = loadSettings(sources);
  requireSharedEngines(settings, roles);
  const undo = new Undo();
  try {
    return await start(settings, roles, undo);
  } catch (error) {
    await undo.all();
    throw error;
  }
}

async function start(settings: Settings, roles: readonly Role[], undo: Undo): Promise<Platform> {
  const log = createLog(settings.log.level);
  const ids = createIds(systemClock, systemRandom);
  const around: Surroundings = { clock: systemClock, random: systemRandom, ids, log };
  const instance = ids.next() as InstanceId;

  const data = openDataDirectory(settings.dataDir);
  undo.add(async () => data.release());
  requireNotMoved(data, settings);
  const token = administratorToken(settings, systemRandom);

  const stores = await openStores(settings, data, around, portsOf(roles));
  undo.add(() => stores.close());
  const runners = startsScripts(roles) ? await openStepRunners(settings, data, around) : undefined;
  undo.add(async () => runners?.steps.close());
  if (runners) tellIsolation(runners, settings, log);
  if (portsOf(roles).includes("configStore")) await agreeOnState(stores, log);
  if (!isShared(settings)) {
    // This process alone has the data directory, so every other lease is of a process that is gone (rule D8).
    const lost = await stores.catalog.leases.expireOthers([instance]);
    if (lost > 0) log.warn({ executions: lost }, "attempts of the previous start were lost and will run again");
  }

  const parts = createParts({ ...around, settings, stores, instance }, roles, runners);
  const metrics = new ProcessMetrics(parts.figures);
  const serving = { log, settings, token, metrics, health: parts.health };
  const server = roles.includes("manager")
    ? await createApi({
        ...serving,
        ...around,
        ...stores,
        ...deploying(runners as StepRunners, settings, roles),
        caps: runCaps(settings),
        productVersion,
      })
    : await createOperations({ ...serving, ...around, stores: { ...stores } });
  undo.add(() => server.close());
  // Before anything runs: a port that is taken must not leave half a platform at work.
  const bound = await listen(server, settings);
  if (roles.includes("manager")) {
    undo.add(async () => forgetAddress(settings.dataDir));
    keepAddress(settings.dataDir, bound);
  }
  undo.add(() => parts.stop(0));
  await parts.start();
  const own = processFigures();
  undo.add(async () => own.close());
  const figures = [...own.figures, ...metrics.kept];
  const sampler = new MetricSampler({ ...around, bus: stores.bus, figures, instance, roles, ...settings.metrics });
  sampler.start();
  const watch = new EngineWatch({ ...around, stores: { ...stores } });
  // What is embedded is away only with this process.
  if (hasEngines(settings)) watch.start();

  return {
    url: settings.url ?? bound,
    async close() {
      // A deploy that waits for packages would hold up the end of the API for as long.
      await runners?.processes.environments.close();
      // They ask engines, which may be away: draining does not wait for that.
      const quiet = Promise.allSettled([sampler.stop().finally(() => own.close()), watch.stop()]);
      // A process without the API is asked how it is until its runs have ended.
      if (roles.includes("manager")) {
        forgetAddress(settings.dataDir);
        await server.close();
      }
      await parts.stop(settings.drainMs);
      await server.close();
      await quiet;
      await stores.close();
      data.release();
    },
  };
}

/** Deploys check scripts with the interpreters that run them, and install what they import. */
function startsScripts(roles: readonly Role[]): boolean {
  return roles.includes("executor") || roles.includes("manager");
}

function deploying(
  runners: StepRunners,
  settings: Settings,
  roles: readonly Role[],
): Pick<ApiParts, "checkScripts" | "dependencies" | "runHindrance"> {
  const { processes } = runners;
  const runsAll = roles.includes("executor") && !isShared(settings);
  return {
    // What executors on other machines have is not known here.
    ...(runsAll && { runHindrance: (manifest) => runHindrance(manifest, settings.executor.level, runners) }),
    checkScripts: (directory, paths, wanted) => processes.runtimes.checkScripts(directory, paths, wanted),
    dependencies: {
      python: async (python) => (await processes.environments.python({ python })).command,
      install: (version, told, left) =>
        processes.environments.prepare(version, processes.languagesOf(version.scripts), told, left),
    },
  };
}

function tellIsolation({ processes }: StepRunners, { executor }: Settings, log: Log): void {
  const found = describeIsolation(processes.isolation);
  if (found.isolated) log.info({}, found.text);
  else log.warn({}, found.text);
  const groups = describeControlGroups(processes.controlGroups);
  if (groups.inForce || !executor.cgroup.startsWith("/")) log.info({}, groups.text);
  else log.warn({}, groups.text);
}

async function agreeOnState({ bus, catalog, configStore, configStoreIsNew }: Stores, log: Log): Promise<void> {
  const state = await reconcileState(bus, configStore.state);
  if (configStoreIsNew && (await catalog.services.list({}, { limit: 1 })).items.length > 0) {
    const lost = "the configuration store was lost: configuration and secrets are gone and must be set again";
    log.warn({ restoredState: state.restored }, `${lost}; state came back from the log`);
  }
  if (state.restored + state.appended > 0) log.info(state, "state store and state log agree again");
  await configStore.restored?.();
  configStore.onLost?.(async () => {
    const again = await reconcileState(bus, configStore.state);
    log.info(again, "state came back from the log");
  });
}

interface Listening {
  /** Answers the address it was bound to. */
  listen(options: { host: string; port: number }): Promise<string>;
}

async function listen(api: Listening, { host, port }: Settings): Promise<string> {
  try {
    return await api.listen({ host, port });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EADDRINUSE") throw error;
    throw new PlatformError(
      "conflict",
      `port ${port} of ${host} is taken by another process: choose another (FX_PORT)`,
      {
        cause: error,
      },
    );
  }
}

/** What a start that fails half-way must take back, last done first. */
class Undo {
  readonly #steps: (() => Promise<unknown>)[] = [];

  add(step: () => Promise<unknown>): void {
    this.#steps.push(step);
  }

  async all(): Promise<void> {
    for (const step of this.#steps.reverse()) await step().catch(() => {});
  }
}
