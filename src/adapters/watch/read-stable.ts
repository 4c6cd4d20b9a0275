import { isUtf8 } from "node:buffer";
import { createHash } from "node:crypto";
import { constants } from "node:fs";
import { open } from "node:fs/promises";
import { join } from "node:path";
import { type FoundFile, stampOf } from "./stable-files.ts";

export interface ReadFile {
  hash: string;
  content: { text?: string; base64?: string };
}

const pieceBytes = 256 * 1024;

/**
 * A file's hash, and its content where it is small enough. Undefined when it changed meanwhile, went,
 * or became a link: it is looked at again. Memory stays small however large the file is.
 */
export async function readStable(
  directory: string,
  found: FoundFile,
  contentBytes: number,
): Promise<ReadFile | undefined> {
  const file = await open(join(directory, found.path), constants.O_RDONLY | constants.O_NOFOLLOW).catch(
    () => undefined,
  );
  if (file === undefined) return undefined;
  try {
    const hash = createHash("sha256");
    const kept: Buffer[] = [];
    let sizeBytes = 0;
    for await (const piece of file.createReadStream({ highWaterMark: pieceBytes, autoClose: false })) {
      hash.update(piece as Buffer);
      sizeBytes += (piece as Buffer).length;
      if (found.sizeBytes <= contentBytes && sizeBytes <= contentBytes) kept.push(piece as Buffer);
    }
    const stats = await file.stat();
    if (!stats.isFile() || stampOf({ sizeBytes: stats.size, modifiedAt: stats.mtimeMs }) !== stampOf(found))
      return undefined;
    const whole = sizeBytes <= contentBytes ? contentOf(Buffer.concat(kept)) : {};
    return { hash: hash.digest("base64url"), content: whole };
  } catch {
    return undefined;
  } finally {
    await file.close();
  }
}

function contentOf(bytes: Buffer): ReadFile["content"] {
  return isUtf8(bytes) ? { text: bytes.toString() } : { base64: bytes.toString("base64") };
}
