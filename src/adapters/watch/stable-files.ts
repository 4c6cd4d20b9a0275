import { lstat, readdir } from "node:fs/promises";
import { join, sep } from "node:path";

export interface FoundFile {
  /** Below the directory, with `/`. */
  path: string;
  sizeBytes: number;
  /** Milliseconds since the epoch, with their fraction. */
  modifiedAt: number;
  /** With the inode: which file it was, whatever stands at its path later. */
  device: number;
  inode: number;
}

/** Names that programs give to what they are still writing, and hidden files. */
const unfinished = /^\.|~$|\.(?:part|partial|tmp|temp|crdownload|filepart|swp)$/i;

/** Plain files below a directory, links not followed; at most `limit`, in the order of their paths. */
export async function findFiles(directory: string, limit: number): Promise<{ files: FoundFile[]; more: boolean }> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true });
  const paths = entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(directory.length + 1))
    .filter((path) => !path.split(sep).some((part) => unfinished.test(part)))
    .sort();
  const files: FoundFile[] = [];
  for (const path of paths.slice(0, limit)) {
    // It may have gone since, and come back as something else.
    const stats = await lstat(join(directory, path)).catch(() => undefined);
    if (!stats?.isFile()) continue;
    files.push({
      path: path.split(sep).join("/"),
      sizeBytes: stats.size,
      modifiedAt: stats.mtimeMs,
      device: stats.dev,
      inode: stats.ino,
    });
  }
  return { files, more: paths.length > limit };
}

/** Tells one state of a file from another without reading it. */
export function stampOf({ sizeBytes, modifiedAt }: Pick<FoundFile, "sizeBytes" | "modifiedAt">): string {
  return `${sizeBytes}-${modifiedAt}`;
}
