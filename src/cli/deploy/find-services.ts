import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { basename, join, resolve } from "node:path";
import { usageError } from "../cli-error.ts";
import { isAlwaysIgnored } from "./ignores.ts";

/** A directory that becomes one version of one service. */
export interface ServiceDirectory {
  name: string;
  path: string;
  /** The manifest gives the name; else the directory does. */
  isNamedByManifest: boolean;
}

/** What is a script elsewhere counts too: that its kind does not run here is the platform's to say, with its place. */
const script = /\.(py|ts|mts|cts|js|mjs|cjs|sql|sh)$/;

/**
 * A directory with a manifest or scripts is one service; a directory of such directories is many.
 * Throws a usage error for what is neither.
 */
export function findServices(directory: string): ServiceDirectory[] {
  const path = resolve(directory);
  if (!existsSync(path)) throw usageError(`there is no directory ${directory}`);
  if (!statSync(path).isDirectory()) {
    throw usageError(`${directory} is a file: a service is a directory`, `fx deploy ${join(directory, "..")}`);
  }
  if (isService(path)) return [serviceAt(path)];
  const found = readdirSync(path, { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && !isAlwaysIgnored(entry.name))
    .map((entry) => join(path, entry.name))
    .filter(isService)
    .sort();
  if (found.length > 0) return found.map(serviceAt);
  throw usageError(
    `${directory} holds no service: neither it nor a directory in it has a manifest.json or a script (.py .js .mjs .cjs .ts .mts .cts .sql .sh)`,
  );
}

function isService(path: string): boolean {
  return readdirSync(path, { withFileTypes: true }).some(
    (entry) => entry.isFile() && (entry.name === "manifest.json" || script.test(entry.name)),
  );
}

/**
 * The services of all directories, each once where it was named twice. Throws a usage error where two directories have one name: the
 * second would silently become the next version of the first.
 */
export function findAllServices(directories: readonly string[]): ServiceDirectory[] {
  const found = new Map(directories.flatMap(findServices).map((service) => [service.path, service]));
  const services = [...found.values()];
  for (const [name, [first, second]] of Map.groupBy(services, (service) => service.name)) {
    if (!first || !second) continue;
    throw usageError(
      `two directories are both the service "${name}": ${first.path} (${originOf(first)}) and ${second.path} (${originOf(second)}); nothing was deployed`,
      `another "name" in the manifest.json of one of them, or another --project for it, in a deploy of its own`,
    );
  }
  return services;
}

function originOf({ isNamedByManifest }: ServiceDirectory): string {
  return isNamedByManifest ? `"name" in its manifest.json` : "the directory's name";
}

function serviceAt(path: string): ServiceDirectory {
  const given = nameInManifest(path);
  return { name: given ?? basename(path), path, isNamedByManifest: given !== undefined };
}

/** A manifest that cannot be read is the platform's to report, with its place. */
function nameInManifest(path: string): string | undefined {
  try {
    const manifest: unknown = JSON.parse(readFileSync(join(path, "manifest.json"), "utf8"));
    const name = (manifest as { name?: unknown } | null)?.name;
    return typeof name === "string" ? name : undefined;
  } catch {
    return undefined;
  }
}
