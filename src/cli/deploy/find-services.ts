import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { basename, join, resolve } from "node:path";
import { usageError } from "../cli-error.ts";
import { isAlwaysIgnored } from "./ignores.ts";

/** A directory that becomes one version of one service. */
export interface ServiceDirectory {
  name: string;
  path: string;
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
  if (isService(path)) return [{ name: nameOf(path), path }];
  const found = readdirSync(path, { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && !isAlwaysIgnored(entry.name))
    .map((entry) => join(path, entry.name))
    .filter(isService)
    .sort();
  if (found.length > 0) return found.map((service) => ({ name: nameOf(service), path: service }));
  throw usageError(
    `${directory} holds no service: neither it nor a directory in it has a manifest.json or a script (.py .js .mjs .cjs .ts .mts .cts .sql .sh)`,
  );
}

function isService(path: string): boolean {
  return readdirSync(path, { withFileTypes: true }).some(
    (entry) => entry.isFile() && (entry.name === "manifest.json" || script.test(entry.name)),
  );
}

/** The manifest's name, else the directory's. A manifest that cannot be read is the platform's to report, with its place. */
function nameOf(path: string): string {
  try {
    const manifest: unknown = JSON.parse(readFileSync(join(path, "manifest.json"), "utf8"));
    const name = (manifest as { name?: unknown } | null)?.name;
    if (typeof name === "string") return name;
  } catch {
    return basename(path);
  }
  return basename(path);
}
