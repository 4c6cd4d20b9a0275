import type { Clock } from "../../foundation/clock.ts";
import { sha256 } from "../../foundation/hash.ts";
import type { VersionId } from "../../foundation/ids.ts";
import {
  type DeclaredPackages,
  declaredNodePackages,
  declaredPythonPackages,
} from "../../services/declared-packages.ts";
import type { Manifest } from "../../services/manifest.ts";
import type { ServiceSource } from "../../services/service-source.ts";
import type { PythonInterpreter } from "../runtimes/find-python.ts";
import { type DependencySettings, optionsOf } from "./dependency-settings.ts";
import type { Environment, EnvironmentReport, Told } from "./environment.ts";
import { environmentKey } from "./environment-key.ts";
import type { EnvironmentStore } from "./environment-store.ts";
import { type Installer, type InstallRequest, sourceOf } from "./installer.ts";
import { describeNodeTool, nodeInstallSteps, nodeModulesOf, npmTokenLine, requireModules } from "./node-environment.ts";
import type { PackageToolbox } from "./package-toolbox.ts";
import { describePythonTool, pythonInstallSteps, readPythonEnvironment } from "./python-environment.ts";

export interface EnvironmentsParts {
  store: EnvironmentStore;
  installer: Installer;
  toolbox: PackageToolbox;
  settings: DependencySettings;
  clock: Clock;
}

/** A service version, as far as its environments go. */
export interface EnvironmentRequest extends ServiceSource {
  version: VersionId;
  manifest: Pick<Manifest, "python">;
}

export type EnvironmentLanguage = "python" | "node";

/** What has to be there for a language. */
interface Wanted {
  key: string;
  declared: DeclaredPackages;
  request(directory: string): Promise<Omit<InstallRequest, "declared" | "source">>;
  tool(): Promise<string>;
  environment(directory: string): Promise<Environment>;
  /** Looks at what was just installed. */
  check?(directory: string): Promise<void>;
}

/** `declared`: it was installed; else there was nothing to install. */
type Had =
  | { environment: Environment; declared: DeclaredPackages; tool: string; cached: boolean }
  | { environment: Environment | undefined; declared?: undefined; tool?: undefined; cached?: undefined };

interface Installing {
  promise: Promise<void>;
  /** Of all who wait for it. */
  listeners: Set<Told>;
  /** Ends it: nobody waits any more. */
  abort(): void;
}

/**
 * What services import from. Each environment is installed once for its content, interpreter and options, whoever asks
 * and however many at once, and is shared from then on. Nothing of it is ever written to again.
 */
export class Environments {
  readonly #parts: EnvironmentsParts;
  readonly #known = new Map<string, Had>();
  readonly #installing = new Map<string, Installing>();

  constructor(parts: EnvironmentsParts) {
    this.#parts = parts;
  }

  /**
   * What the scripts of one language run with; undefined where the service asks for nothing. What is not there yet is
   * installed first, which `told` hears of. Rejects in the words of the tool that failed: with `unavailable` where an index did not
   * answer, else with `invalid-input`.
   */
  async open(request: EnvironmentRequest, language: EnvironmentLanguage, told: Told): Promise<Environment | undefined> {
    const { store } = this.#parts;
    const name = `${request.version} ${language}`;
    let had = this.#known.get(name);
    // Somebody may have tidied it away since, which is no failure of the script's.
    if (had === undefined || (had.declared && !store.isReady(had.environment.key))) {
      had = await this.#have(request, language, told);
      this.#known.set(name, had);
    } else if (had.declared) {
      await store.use(had.environment.key, request.version);
    }
    return had.environment;
  }

  /**
   * All that the version needs, for a deploy: what was there already, and what had to be installed. Once `left` aborts nobody waits for
   * it; what is being installed ends then, unless somebody else does.
   */
  async prepare(
    request: EnvironmentRequest,
    languages: readonly EnvironmentLanguage[],
    told: Told,
    left?: AbortSignal,
  ): Promise<EnvironmentReport[]> {
    const { clock } = this.#parts;
    const reports: EnvironmentReport[] = [];
    for (const language of languages) {
      const begun = clock.monotonic();
      const { declared, tool, cached } = await this.#have(request, language, told, left);
      if (!declared) continue;
      const durationMs = Math.round(clock.monotonic() - begun);
      const how = cached ? "there already" : `installed in ${(durationMs / 1000).toFixed(1)} s`;
      told(`${declared.file}: ${how} (${tool})`);
      reports.push({ file: declared.file, tool, cached, durationMs });
    }
    return reports;
  }

  /** The interpreter that a manifest asks for. Rejects with `invalid-input` where it is not here. */
  async python({ python }: Pick<Manifest, "python">): Promise<PythonInterpreter> {
    return this.#parts.toolbox.python(python);
  }

  /** Removes what ran nothing for a long time or is needed by no version that is stored. Answers how many. */
  async prune(isStored: (version: VersionId) => Promise<boolean>, unusedMs: number): Promise<number> {
    return this.#parts.store.prune(isStored, unusedMs);
  }

  /** Ends what is being installed: whoever waits for it hears `unavailable`, and nothing of it stays. */
  async close(): Promise<void> {
    this.#parts.installer.close();
    await Promise.allSettled([...this.#installing.values()].map(({ promise }) => promise));
  }

  async #have(
    request: EnvironmentRequest,
    language: EnvironmentLanguage,
    told: Told,
    left?: AbortSignal,
  ): Promise<Had> {
    const { store } = this.#parts;
    const wanted = language === "python" ? await this.#wantedPython(request) : await this.#wantedNode(request);
    if (wanted === undefined) {
      return { environment: language === "python" ? await this.#barePython(request) : undefined };
    }
    const { key, declared } = wanted;
    const cached = store.isReady(key);
    const tool = await wanted.tool();
    if (!cached) await this.#install(wanted, request, told, left);
    const environment = await wanted.environment(store.directoryOf(key));
    await store.use(key, request.version);
    return { environment, declared, tool, cached };
  }

  /** Shared by all who ask for it meanwhile; it ends when the last of them has left. */
  async #install(wanted: Wanted, source: EnvironmentRequest, told: Told, left?: AbortSignal): Promise<void> {
    const installing = this.#installing.get(wanted.key) ?? this.#begin(wanted, source);
    const { listeners } = installing;
    listeners.add(told);
    const leave = () => {
      listeners.delete(told);
      if (listeners.size === 0) installing.abort();
    };
    left?.addEventListener("abort", leave, { once: true });
    if (left?.aborted) leave();
    await installing.promise.finally(() => left?.removeEventListener("abort", leave));
  }

  #begin(wanted: Wanted, source: EnvironmentRequest): Installing {
    const { store, installer } = this.#parts;
    const { key, declared } = wanted;
    const needless = new AbortController();
    const signal = AbortSignal.any([installer.closing, needless.signal]);
    const listeners = new Set<Told>();
    const tell: Told = (line) => {
      for (const listener of listeners) listener(`${declared.file}: ${line}`);
    };
    const promise = store
      .make(
        key,
        async (directory) => {
          tell(`installing with ${await wanted.tool()}`);
          const asked = await wanted.request(directory);
          await installer.install(directory, { ...asked, declared, source }, tell, signal);
          // Whatever is wrong with it shows now, not at the first run.
          await wanted.check?.(directory);
          await wanted.environment(directory);
        },
        {
          signal,
          onWait: () => tell("waits for another installation, one is made at a time"),
        },
      )
      .finally(() => forget());
    const installing = {
      promise,
      listeners,
      abort() {
        // Who comes now begins another.
        forget();
        needless.abort(new Error("nobody waits for it any more"));
      },
    };
    const forget = () => {
      if (this.#installing.get(key) === installing) this.#installing.delete(key);
    };
    this.#installing.set(key, installing);
    return installing;
  }

  async #wantedPython(request: EnvironmentRequest): Promise<Wanted | undefined> {
    const declared = await declaredPythonPackages(request);
    if (declared === undefined) return undefined;
    const { settings, toolbox } = this.#parts;
    const python = await this.python(request.manifest);
    const minor = python.version.split(".").slice(0, 2).join(".");
    const key = environmentKey("python", [python.command, minor], optionsOf("python", settings), declared);
    return {
      key,
      declared,
      tool: async () => describePythonTool(await toolbox.pythonTool(python), python),
      request: async (directory) => {
        const tool = await toolbox.pythonTool(python);
        const readable = [...python.prefixes, python.command, ...(tool.kind === "uv" ? [tool.uv.command] : [])];
        const steps = pythonInstallSteps(tool, python, settings, directory);
        return { steps, readable, tool: describePythonTool(tool, python) };
      },
      environment: async (directory) => ({
        key,
        python: await readPythonEnvironment(directory, python),
        files: [directory, ...python.prefixes, python.command],
      }),
    };
  }

  async #wantedNode(request: EnvironmentRequest): Promise<Wanted | undefined> {
    const declared = await declaredNodePackages(request);
    if (declared === undefined) return undefined;
    const { settings, toolbox } = this.#parts;
    const abi = process.versions.modules;
    const key = environmentKey("node", [`node ABI ${abi}`], optionsOf("node", settings), declared);
    return {
      key,
      declared,
      tool: async () => describeNodeTool(await toolbox.npm()),
      request: async () => {
        const npm = await toolbox.npm();
        const { node } = toolbox;
        const steps = nodeInstallSteps(npm, node, settings, declared);
        const env = { npm_config_globalconfig: npm.globalConfig };
        const tool = describeNodeTool(npm);
        return {
          steps,
          env,
          tool,
          npmCache: settings.npmCache,
          readable: [npm.directory, node, ...(settings.npmCache === undefined ? [] : [settings.npmCache])],
          configuration: { ".npmrc": npmTokenLine(settings) },
        };
      },
      check: async (directory) => requireModules(declared, nodeModulesOf(sourceOf(directory))),
      environment: async (directory) => ({
        key,
        nodeModules: nodeModulesOf(sourceOf(directory)),
        files: [directory],
      }),
    };
  }

  /** Another interpreter than the platform's, with nothing installed. */
  async #barePython({ manifest }: EnvironmentRequest): Promise<Environment | undefined> {
    if (manifest.python === undefined) return undefined;
    const { command, prefixes } = await this.python(manifest);
    return {
      key: `python-${sha256(command)}`,
      python: { command, base: command, sitePackages: [] },
      files: [...prefixes, command],
    };
  }
}
