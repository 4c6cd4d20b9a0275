import { chmod, cp, mkdir, readdir, readFile, rename, rm, stat } from "node:fs/promises";
import { createRequire } from "node:module";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { sha256Parts } from "../../foundation/hash.ts";
import type { RunRoot } from "../run-root.ts";

/** The SDKs as they lie in the repository. */
export const sdkDirectory = fileURLToPath(new URL("../../../sdk/", import.meta.url));

const packages = [
  "python/fx_ef",
  "python/ferris_ef",
  "python/fx_bootstrap",
  "typescript/src",
  "typescript/src/warm",
  "sql",
  "shell",
  "shell/bin",
];
/** Of npm's, what runs SQL scripts and what runs scripts warm on Node; and what these need in turn. */
const installed = { sql: ["@huggingface/jinja", "pg"], typescript: ["acorn"] };
const needless = /__pycache__|\.md$|\.d\.m?ts$|\.map$|acorn\/(dist\/)?bin|(jinja|pg)\/(src|README)/;

/**
 * Copies the SDKs to where every script's user can read them, once per content, and returns the
 * directory. `finish` completes a fresh copy before anyone sees it.
 */
export async function installLibrary(root: RunRoot, finish: (directory: string) => Promise<void>): Promise<string> {
  const contents: (string | Uint8Array)[] = [];
  for (const name of packages) {
    for (const { file, path } of await filesIn(join(sdkDirectory, name))) contents.push(file, await readFile(path));
  }
  const dependencies: (Installed & { folder: string })[] = [];
  for (const [folder, names] of Object.entries(installed)) {
    for (const found of (await dependenciesOf(names)).values()) dependencies.push({ ...found, folder });
  }
  for (const { name, version } of dependencies) contents.push(name, version);
  const target = join(root.path, "lib", sha256Parts(...contents).slice(0, 16));
  if (await exists(target)) return target;
  const fresh = `${target}.${process.pid}`;
  await rm(fresh, { recursive: true, force: true });
  for (const name of packages) {
    await mkdir(join(fresh, name), { recursive: true, mode: 0o755 });
    for (const { file, path } of await filesIn(join(sdkDirectory, name))) await cp(path, join(fresh, name, file));
  }
  for (const { name, directory, folder } of dependencies) {
    const filter = (path: string) => !needless.test(path.slice(directory.length - name.length));
    await cp(directory, join(fresh, folder, "node_modules", name), { recursive: true, filter });
  }
  await finish(fresh);
  await openToAll(fresh);
  await rename(fresh, target).catch(async (error) => {
    // Another process was first with the same content.
    if (!(await exists(target))) throw error;
    await rm(fresh, { recursive: true, force: true });
  });
  return target;
}

async function filesIn(directory: string): Promise<{ file: string; path: string }[]> {
  const entries = await readdir(directory, { withFileTypes: true });
  const names = entries.filter((entry) => entry.isFile() && !needless.test(entry.name)).map(({ name }) => name);
  return names.sort().map((file) => ({ file, path: join(directory, file) }));
}

interface Installed {
  name: string;
  version: string;
  directory: string;
}

async function dependenciesOf(names: readonly string[], found = new Map<string, Installed>()) {
  for (const name of names) {
    if (found.has(name)) continue;
    const { directory, description } = await find(name);
    found.set(name, { name, version: description.version, directory });
    await dependenciesOf(Object.keys(description.dependencies ?? {}), found);
  }
  return found;
}

async function find(name: string) {
  for (const modules of createRequire(import.meta.url).resolve.paths(name) ?? []) {
    const directory = join(modules, name);
    const text = await readFile(join(directory, "package.json"), "utf8").catch(() => undefined);
    if (text === undefined) continue;
    const description: { version: string; dependencies?: Record<string, string> } = JSON.parse(text);
    return { directory, description };
  }
  throw new Error(`the package ${name} is not installed`);
}

/** Whatever umask and checkout made of the modes. Programs stay programs. */
async function openToAll(directory: string): Promise<void> {
  await chmod(directory, 0o755);
  for (const entry of await readdir(directory, { withFileTypes: true })) {
    const path = join(directory, entry.name);
    await (entry.isDirectory() ? openToAll(path) : chmod(path, directory.endsWith("/shell/bin") ? 0o755 : 0o644));
  }
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}
