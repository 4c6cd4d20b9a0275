import type { ArtifactStore } from "../../artifact-store/artifact-store.ts";
import type { Bus } from "../../bus/bus.ts";
import type { Catalog } from "../../catalog/catalog.ts";
import type { ConfigStore } from "../../config-store/config-store.ts";
import type { Vault } from "../../config-store/vault.ts";
import type { Clock } from "../../foundation/clock.ts";
import type { Problem } from "../../foundation/errors.ts";
import type { Ids, VersionId } from "../../foundation/ids.ts";
import type { Log } from "../../foundation/log.ts";
import type { Random } from "../../foundation/random.ts";
import type { OpsData } from "../../ops-data/ops-data.ts";
import type { JavaScriptRuntime, Manifest } from "../../services/manifest.ts";
import type { RunLimits } from "../../services/run-limits.ts";
import type { ServiceSource } from "../../services/service-source.ts";
import type { ProcessMetrics } from "./process-metrics.ts";

/** What the API is made of; `src/platform` gives it the drivers. */
export interface ApiParts {
  catalog: Catalog;
  bus: Bus;
  artifacts: ArtifactStore;
  opsData: OpsData;
  configStore: ConfigStore;
  /** The only way to secrets. */
  vault: Vault;
  clock: Clock;
  ids: Ids;
  random: Random;
  log: Log;
  /** Of this process; the API adds its own. */
  metrics: ProcessMetrics;
  settings: ApiSettings;
  /** What no run may pass; a manifest that asks for more is warned of it. */
  caps: RunLimits;
  /** The administrator's token. */
  token: string;
  /** Shown in the OpenAPI document. */
  productVersion: string;
  /** Syntax errors of scripts below a directory, each at `path:line`, as the interpreters see them that the service asks for. Runs nothing. */
  checkScripts(
    directory: string,
    paths: readonly string[],
    wanted: { javascript: JavaScriptRuntime | undefined; python: string | undefined },
  ): Promise<Problem[]>;
  /** Absent: services get no packages. */
  dependencies?: DependencyInstaller;
  /** Why runs of such a service cannot begin as the machine is now; undefined: they can. Absent: they run in other processes. */
  runHindrance?(manifest: Manifest): Promise<string | undefined>;
  /** How the other parts of this process are, by name; undefined: well. The API itself asks the stores. */
  health?(): Record<string, string | undefined> | Promise<Record<string, string | undefined>>;
}

/** What scripts import from, made ready when they are deployed. */
export interface DependencyInstaller {
  /** The interpreter that a manifest's `python` asks for. Rejects with `invalid-input` where it is not here. */
  python(wanted: string): Promise<string>;
  /**
   * Installs what requirements.txt and package.json ask for, where it is not there yet. `told` hears of it, a line at a
   * time; once `left` aborts, nobody waits for it. Rejects in the words of the tool that failed, with `unavailable` where an index did not answer, else with `invalid-input`, and leaves nothing half done.
   */
  install(version: DeployedSource, told: (line: string) => void, left?: AbortSignal): Promise<InstalledPackages[]>;
}

export interface DeployedSource extends ServiceSource {
  version: VersionId;
  manifest: Manifest;
  scripts: readonly string[];
}

export interface InstalledPackages {
  file: string;
  tool: string;
  /** Equal content was installed before. */
  cached: boolean;
  durationMs: number;
}

/** What of the settings concerns the API. */
export interface ApiSettings {
  /** Address that it listens on. */
  host: string;
  /** Where clients reach it, if not there. */
  url?: string | undefined;
  limits: {
    eventBytes: number;
    bodyBytes: number;
    batchEvents: number;
    packageBytes: number;
    packageFiles: number;
  };
}
