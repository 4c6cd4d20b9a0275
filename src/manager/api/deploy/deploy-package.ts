import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import type { Proposal } from "../../../config-store/configuration-store.ts";
import { isPlatformError, PlatformError, type Problem } from "../../../foundation/errors.ts";
import { sha256, sha256Parts } from "../../../foundation/hash.ts";
import type { VersionId } from "../../../foundation/ids.ts";
import { canonicalJson } from "../../../foundation/json.ts";
import { elsewhereOf, jobFile, stepOf } from "../../../services/elsewhere.ts";
import type { Manifest } from "../../../services/manifest.ts";
import { parametersFile } from "../../../services/parameters-form.ts";
import { limitWarnings } from "../../../services/run-limits.ts";
import { serviceScope } from "../../../services/scope.ts";
import type { ServiceFile, ServiceVersion } from "../../../services/service.ts";
import type { ServiceSource } from "../../../services/service-source.ts";
import type { ApiParts, DeployedSource, InstalledPackages } from "../api-parts.ts";
import { imagePackagesProblems } from "./image-packages.ts";
import type { PackageFiles } from "./package-files.ts";
import { jobProblems } from "./read-job-file.ts";
import { manifestFile, type Running, readManifestFile } from "./read-manifest-file.ts";
import { parametersProblems } from "./read-parameters-file.ts";
import { configFile, readConfigFile, takeSecretsFile } from "./read-values-files.ts";

type Parts = Pick<
  ApiParts,
  "artifacts" | "caps" | "catalog" | "checkScripts" | "configStore" | "dependencies" | "runHindrance" | "vault"
>;

/** Who asked for a deploy, and waits. */
export interface DeployListener {
  /** Hears how installs go, a line at a time. */
  told(line: string): void;
  /** Aborts when nobody waits any more. */
  left?: AbortSignal;
}

/** Files stored at the same time: each waits for the disk. */
const putsAtOnce = 16;

export interface Deployed {
  version: ServiceVersion;
  created: boolean;
  /** The version that was active before. */
  former: VersionId | undefined;
  warnings: string[];
  /** What became of `config.json` and `secrets.json` (rule S1). */
  configuration: Proposal;
  secrets: Proposal;
  /** What was installed for it, or found. */
  dependencies: InstalledPackages[];
}

/**
 * Makes a version of the files and stores it, or throws `invalid-input` with every problem found, `unavailable` where an index of
 * packages does not answer or nobody waits any more, and stores nothing. The same content of the same service is the same version.
 */
export async function deployPackage(
  parts: Parts,
  service: { project: string; name: string },
  files: PackageFiles,
  listener: DeployListener,
): Promise<Deployed> {
  const secrets = takeSecretsFile(files);
  const config = readConfigFile(files.get(configFile));
  const reading = readManifestFile(files.get(manifestFile), files.paths(), service.name);
  const beside = [...secrets.problems, ...config.problems, ...parametersProblems(files.get(parametersFile))];
  const listed: ServiceFile[] = files.paths().map((name) => {
    const content = files.get(name) as Buffer;
    return { path: name, sizeBytes: content.length, hash: sha256(content) };
  });
  const source = { files: listed, read: async (path: string) => files.get(path) as Buffer };
  const running = reading.ok ? reading : reading.running;
  const problems = [
    ...(reading.ok ? [] : reading.problems),
    ...beside,
    ...(running ? await problemsOfWhatRuns(parts, files, running, source) : []),
  ];
  if (!reading.ok || problems.length > 0) throw refused(problems);

  const { manifest } = reading;
  const step = stepOf(manifest);
  const scripts = step === undefined ? reading.scripts : [step];
  const warnings = [...reading.warnings, ...limitWarnings(manifest, parts.caps), ...secrets.warnings];
  const id = versionIdOf(service, listed, canonicalJson(manifest));
  const dependencies = await install(
    parts,
    {
      ...source,
      version: id,
      manifest,
      scripts: scripts.filter((script) => elsewhereOf(manifest, script) === undefined),
    },
    listener,
  );
  // Files before the version that names them: nobody ever sees a version without its files.
  for (let at = 0; at < listed.length; at += putsAtOnce) {
    const puts = listed
      .slice(at, at + putsAtOnce)
      .map(({ path: name }) => parts.artifacts.put(files.get(name) as Buffer));
    await Promise.all(puts);
  }
  // Values before the version that wants them. A crash in between leaves values that the next deploy finds as they are.
  const place = serviceScope({ project: service.project, service: service.name });
  const proposed = {
    configuration: await parts.configStore.configuration.propose(place, config.values),
    secrets: await parts.vault.propose(place, secrets.values),
  };
  const { version, created, former } = await parts.catalog.services.deploy({
    ...service,
    id,
    manifest,
    scripts,
    files: listed,
    warnings,
  });
  // Of the machine as it is now, not of the version, which keeps its own warnings.
  const hindrance = await parts.runHindrance?.(manifest);
  const current = hindrance === undefined ? [] : [`its runs cannot begin here as it is: ${hindrance}`];
  return { version, created, former, warnings: [...warnings, ...current], dependencies, ...proposed };
}

async function problemsOfWhatRuns(
  parts: Parts,
  files: PackageFiles,
  running: Running,
  source: ServiceSource,
): Promise<Problem[]> {
  const python = await findPython(parts, running.manifest);
  // What another version makes of the scripts says nothing.
  if (python.problems.length > 0) return python.problems;
  return [
    ...(await checkWhatRuns(parts, files, running, python.command)),
    ...(await imagePackagesProblems(running.manifest, running.scripts, source)),
  ];
}

/** The interpreter that the manifest names. It reads the syntax of its own version. */
async function findPython(parts: Parts, { python }: Manifest): Promise<{ command?: string; problems: Problem[] }> {
  if (python === undefined || parts.dependencies === undefined) return { problems: [] };
  try {
    return { command: await parts.dependencies.python(python), problems: [] };
  } catch (error) {
    if (!isPlatformError(error, "invalid-input")) throw error;
    return { problems: [{ path: `${manifestFile}: python`, message: error.message }] };
  }
}

/** Whatever else is wrong was found before: this is what takes time. */
async function install(parts: Parts, version: DeployedSource, { told, left }: DeployListener) {
  try {
    return (await parts.dependencies?.install(version, told, left)) ?? [];
  } catch (error) {
    if (!isPlatformError(error)) throw error;
    if (error.code === "unavailable" && error.problems.length > 0) throw postponed(error);
    if (error.problems.length > 0) throw refused(error.problems);
    throw new PlatformError(error.code, `its packages could not be installed: ${error.message}`, { cause: error });
  }
}

function versionIdOf(
  { project, name }: { project: string; name: string },
  files: readonly ServiceFile[],
  manifest: string,
): VersionId {
  return sha256Parts(project, name, ...files.flatMap(({ path, hash }) => [path, hash]), manifest) as VersionId;
}

/** An image has interpreters of its own: what this machine's make of its files says nothing. */
async function checkWhatRuns(
  parts: Parts,
  files: PackageFiles,
  running: Running,
  python: string | undefined,
): Promise<Problem[]> {
  const { type, isolation } = running.manifest;
  if (type === "script") return isolation === "container" ? [] : checkSyntax(parts, files, running, python);
  return type === "k8s_job" ? jobProblems(files.get(jobFile)) : [];
}

/** What runs, and the Python modules that it may import: an error in one would show only when it is too late. */
async function checkSyntax(
  parts: Parts,
  files: PackageFiles,
  { scripts, manifest }: Running,
  python: string | undefined,
): Promise<Problem[]> {
  const checked = [...new Set([...scripts, ...files.paths().filter((name) => name.endsWith(".py"))])];
  const directory = await mkdtemp(path.join(tmpdir(), "fx-deploy-"));
  try {
    // All files: a TypeScript file's meaning depends on the package.json beside it.
    for (const name of files.paths()) {
      const target = path.join(directory, name);
      await mkdir(path.dirname(target), { recursive: true });
      await writeFile(target, files.get(name) as Buffer, { flag: "wx" });
    }
    return await parts.checkScripts(directory, checked, { javascript: manifest.runtime, python });
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

/** Of an index that is away: nobody knows yet whether the service is right. */
function postponed({ problems }: PlatformError): PlatformError {
  const said = textOf(problems);
  const message = `nothing was deployed, because where its packages come from did not answer; nothing is wrong with the service by what is known, deploy it again later: ${said}`;
  return new PlatformError("unavailable", message, { problems });
}

function refused(problems: readonly Problem[]): PlatformError {
  return new PlatformError("invalid-input", `the service cannot be deployed: ${textOf(problems)}`, { problems });
}

function textOf(problems: readonly Problem[]): string {
  return problems.map(({ path: place, message }) => `${place}: ${message}`).join("; ");
}
