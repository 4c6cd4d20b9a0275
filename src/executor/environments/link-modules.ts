import { readlink, rename, rm, symlink } from "node:fs/promises";
import { join } from "node:path";

/**
 * Lays a link to installed packages where Node looks for them, for `import` as for `require`, in threads and in child
 * processes too: beside the version's own files. It replaces a link to an earlier environment, in one step.
 */
export async function linkModules(directory: string, nodeModules: string): Promise<void> {
  const place = join(directory, "node_modules");
  if ((await readlink(place).catch(() => undefined)) === nodeModules) return;
  const made = `${place}.new`;
  await rm(made, { force: true });
  // Two steps of one version may come here at once, with the same end.
  await symlink(nodeModules, made).catch(ignoreExisting);
  await rename(made, place).catch(ignoreMissing);
}

function ignoreExisting(error: NodeJS.ErrnoException): void {
  if (error.code !== "EEXIST") throw error;
}

function ignoreMissing(error: NodeJS.ErrnoException): void {
  if (error.code !== "ENOENT") throw error;
}
