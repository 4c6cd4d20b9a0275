import { isUtf8 } from "node:buffer";
import { createHash } from "node:crypto";
import { constants, type Stats } from "node:fs";
import { type FileHandle, open, readlink, realpath } from "node:fs/promises";
import { join, sep } from "node:path";
import { type FoundFile, stampOf } from "./stable-files.ts";

export interface ReadFile {
  hash: string;
  content: { text?: string; base64?: string };
}

const pieceBytes = 256 * 1024;

/** Not through a link, and without waiting for the other end of a pipe. */
const openFlags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;

/**
 * A file's hash, and its content where it is small enough. Undefined when it changed meanwhile, went,
 * became a link or a pipe, or no longer lies below the directory, because something on the way to it became a link:
 * it is looked at again. Nothing is read before that is known. Memory stays small however large the file is.
 */
export async function readStable(
  directory: string,
  found: FoundFile,
  contentBytes: number,
): Promise<ReadFile | undefined> {
  const path = join(directory, found.path);
  const file = await open(path, openFlags).catch(() => undefined);
  if (file === undefined) return undefined;
  try {
    if (!isSame(found, await file.stat())) return undefined;
    if (!(await realPathOf(file, path)).startsWith(join(await realpath(directory), sep))) return undefined;
    const hash = createHash("sha256");
    const kept: Buffer[] = [];
    let sizeBytes = 0;
    for await (const piece of file.createReadStream({ highWaterMark: pieceBytes, autoClose: false })) {
      hash.update(piece as Buffer);
      sizeBytes += (piece as Buffer).length;
      if (found.sizeBytes <= contentBytes && sizeBytes <= contentBytes) kept.push(piece as Buffer);
    }
    if (!isSame(found, await file.stat())) return undefined;
    const whole = sizeBytes <= contentBytes ? contentOf(Buffer.concat(kept)) : {};
    return { hash: hash.digest("base64url"), content: whole };
  } catch {
    return undefined;
  } finally {
    await file.close();
  }
}

function isSame(found: FoundFile, stats: Stats): boolean {
  if (!stats.isFile() || stats.dev !== found.device || stats.ino !== found.inode) return false;
  return stampOf({ sizeBytes: stats.size, modifiedAt: stats.mtimeMs }) === stampOf(found);
}

/** Of the file that is open, as the kernel knows it; without /proc of what stands at the path now. */
async function realPathOf(file: FileHandle, path: string): Promise<string> {
  return (await readlink(`/proc/self/fd/${file.fd}`).catch(() => undefined)) ?? realpath(path);
}

function contentOf(bytes: Buffer): ReadFile["content"] {
  return isUtf8(bytes) ? { text: bytes.toString() } : { base64: bytes.toString("base64") };
}
