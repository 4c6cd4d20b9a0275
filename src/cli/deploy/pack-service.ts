import { lstatSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import tar from "tar-stream";
import { CliError } from "../cli-error.ts";
import { readIgnores } from "./ignores.ts";

export interface PackedService {
  /** Gzipped tar. */
  archive: Uint8Array;
  fileCount: number;
  /** Of the files, unpacked. */
  sizeBytes: number;
  /** What was left out and may be missed. */
  warnings: string[];
}

/** The platform refuses more (see docs/reference/cli.md); told here before anything is uploaded. */
const maxSizeBytes = 50 * 1024 * 1024;
const maxFiles = 5000;

/** Packs what belongs to a service. The same files give the same archive: names in order, no times, no owners. */
export async function packService(
  directory: string,
  replaced: Readonly<Record<string, string>> = {},
): Promise<PackedService> {
  const { files, warnings } = listFiles(directory);
  const pack = tar.pack();
  const chunks: Uint8Array[] = [];
  pack.on("data", (chunk) => chunks.push(chunk as Uint8Array));
  const ended = new Promise<void>((resolve, reject) => pack.on("end", resolve).on("error", reject));
  let sizeBytes = 0;
  for (const path of files) {
    const content = Object.hasOwn(replaced, path)
      ? Buffer.from(replaced[path] ?? "")
      : readFileSync(join(directory, path));
    sizeBytes += content.length;
    if (sizeBytes > maxSizeBytes)
      throw tooLarge(directory, `more than ${maxSizeBytes / 1024 / 1024} MiB, counted up to ${path}`);
    pack.entry({ name: path, mode: 0o644, mtime: new Date(0) }, content);
  }
  pack.finalize();
  await ended;
  return { archive: gzipSync(Buffer.concat(chunks)), fileCount: files.length, sizeBytes, warnings };
}

function listFiles(directory: string): { files: string[]; warnings: string[] } {
  const isIgnored = readIgnores(directory);
  const files: string[] = [];
  const warnings: string[] = [];
  const walk = (folder: string): void => {
    for (const name of readdirSync(join(directory, folder)).sort()) {
      const path = folder === "" ? name : `${folder}/${name}`;
      const stats = lstatSync(join(directory, path));
      if (isIgnored(path, stats.isDirectory())) continue;
      if (stats.isDirectory()) walk(path);
      else if (stats.isFile()) files.push(path);
      else warnings.push(`${path} is left out: only files can be deployed, no links, sockets or devices`);
    }
  };
  walk("");
  if (files.length > maxFiles) throw tooLarge(directory, `${files.length} files, at most ${maxFiles} are allowed`);
  return { files, warnings };
}

function tooLarge(directory: string, why: string): CliError {
  return new CliError({
    what: `${directory} is too large for a service`,
    why,
    fix: "name what does not belong to it in .fxignore",
    exit: "refused",
  });
}
