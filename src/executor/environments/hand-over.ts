import { chmod, lchown, lstat, readdir } from "node:fs/promises";
import { join } from "node:path";
import { PlatformError } from "../../foundation/errors.ts";

/**
 * Gives what the installing user made to the platform's: readable by all, written to by none. Call it when no process of
 * that user is left. A file that is not the user's own can only be a link to somebody else's, and is refused: its mode
 * must not be changed in the platform's name.
 */
export async function handOver(path: string, installer: number): Promise<void> {
  const found = await lstat(path);
  if (found.uid !== installer) {
    throw new PlatformError("invalid-input", `the installation made '${path}', which belongs to another user`);
  }
  await lchown(path, process.getuid?.() ?? 0, process.getgid?.() ?? 0);
  if (found.isSymbolicLink()) return;
  if (!found.isDirectory() && !found.isFile()) {
    throw new PlatformError("invalid-input", `the installation made '${path}', which is neither file nor directory`);
  }
  await chmod(path, found.isDirectory() || (found.mode & 0o100) !== 0 ? 0o755 : 0o644);
  if (!found.isDirectory()) return;
  for (const name of await readdir(path)) await handOver(join(path, name), installer);
}
