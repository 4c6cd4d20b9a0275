import { chmod, cp, mkdir, readdir, readFile, rename, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { sha256Parts } from "../../foundation/hash.ts";
import type { RunRoot } from "../run-root.ts";

/** The SDKs as they lie in the repository. */
export const sdkDirectory = fileURLToPath(new URL("../../../sdk/", import.meta.url));

const packages = [
  ["python", "fx_ef"],
  ["python", "ferris_ef"],
  ["python", "fx_bootstrap"],
  ["typescript", "src"],
] as const;

/**
 * Copies the SDKs to where every script's user can read them, once per content, and returns the
 * directory. `finish` completes a fresh copy before anyone sees it.
 */
export async function installLibrary(root: RunRoot, finish: (directory: string) => Promise<void>): Promise<string> {
  const contents: (string | Uint8Array)[] = [];
  for (const [language, name] of packages) {
    const directory = join(sdkDirectory, language, name);
    for (const file of (await readdir(directory)).sort()) {
      if ((await stat(join(directory, file))).isFile()) contents.push(file, await readFile(join(directory, file)));
    }
  }
  const target = join(root.path, "lib", sha256Parts(...contents).slice(0, 16));
  if (await exists(target)) return target;
  const fresh = `${target}.${process.pid}`;
  await rm(fresh, { recursive: true, force: true });
  for (const [language, name] of packages) {
    await mkdir(join(fresh, language), { recursive: true, mode: 0o755 });
    await cp(join(sdkDirectory, language, name), join(fresh, language, name), {
      recursive: true,
      filter: (path) => !path.includes("__pycache__"),
    });
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

/** Whatever umask and checkout made of the modes. */
async function openToAll(directory: string): Promise<void> {
  await chmod(directory, 0o755);
  for (const entry of await readdir(directory, { withFileTypes: true })) {
    const path = join(directory, entry.name);
    await (entry.isDirectory() ? openToAll(path) : chmod(path, 0o644));
  }
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}
