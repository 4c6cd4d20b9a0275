import { PassThrough, type Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { createGunzip } from "node:zlib";
import { extract, type Header } from "tar-stream";
import { messageOf, PlatformError } from "../../../foundation/errors.ts";
import { PackageFiles } from "./package-files.ts";

export interface PackageLimits {
  /** Of all files, unpacked. */
  packageBytes: number;
  packageFiles: number;
}

/** Headers and padding that a tar may hold besides its files: 512 bytes each, and extended ones. */
const overheadBytesPerFile = 4096;
const overheadBytes = 1024 * 1024;

const kinds: Record<string, string> = {
  symlink: "a symbolic link",
  link: "a hard link",
  "character-device": "a device",
  "block-device": "a device",
  fifo: "a pipe",
};

/**
 * Reads a gzipped tar while it arrives; nothing touches the disk. Throws `limit-exceeded` as soon as
 * it is too large, however small it was packed, and `invalid-input` for everything that is no plain
 * file or directory inside of the package. What is refused is refused whole.
 */
export async function readPackage(archive: Readable, limits: PackageLimits): Promise<PackageFiles> {
  const tar = extract();
  const feeding = pipeline(
    untilRefused(archive),
    createGunzip(),
    bounded(limits),
    tar as unknown as NodeJS.WritableStream,
  );
  // Whichever side fails ends the other; the one that knows why is told of.
  const [fed, taken] = await Promise.allSettled([feeding, takeFiles(tar as unknown as TarEntries, limits)]);
  const failures = [taken, fed].flatMap((end) => (end.status === "rejected" ? [end.reason as unknown] : []));
  if (taken.status === "fulfilled" && fed.status === "fulfilled") return taken.value;
  throw failures.find((failure) => failure instanceof PlatformError) ?? unreadable(failures[0]);
}

/**
 * The archive's bytes. When the package is refused early the rest of the request is passed over, not
 * cut off: a sender that is still writing would never read why.
 */
function untilRefused(archive: Readable): PassThrough {
  const bytes = new PassThrough();
  archive.on("error", (error) => bytes.destroy(error));
  archive.on("close", () => {
    if (!archive.readableEnded) bytes.destroy(new PlatformError("invalid-input", "the package was cut off on its way"));
  });
  bytes.on("close", () => archive.resume());
  return archive.pipe(bytes);
}

/** As the package gives them; its types leave out that an extraction can be iterated. */
type TarEntries = AsyncIterable<Readable & { header: Header }>;

async function takeFiles(tar: TarEntries, limits: PackageLimits): Promise<PackageFiles> {
  const files = new PackageFiles();
  let fileBytes = 0;
  let directories = 0;
  for await (const entry of tar) {
    const { name, type, size = 0 } = entry.header;
    const place = PackageFiles.normalPath(name);
    if ("problem" in place) throw refused(name, place.problem);
    if (type === "directory") {
      directories += 1;
      if (directories > limits.packageFiles) throw tooMany(limits, "directories");
      const problem = files.addDirectory(place.path);
      if (problem) throw refused(problem.path, problem.message);
      entry.resume();
      continue;
    }
    if (type !== "file" && type !== "contiguous-file") {
      throw refused(name, `is ${kinds[type ?? ""] ?? "of an unknown kind"}: only files and directories are taken`);
    }
    if (files.size >= limits.packageFiles) throw tooMany(limits, "files");
    fileBytes += size;
    if (fileBytes > limits.packageBytes) throw tooLarge(limits);
    const pieces: Buffer[] = [];
    for await (const piece of entry) pieces.push(piece as Buffer);
    const problem = files.add(place.path, Buffer.concat(pieces));
    if (problem) throw refused(problem.path, problem.message);
  }
  return files;
}

function unreadable(error: unknown): PlatformError {
  return new PlatformError("invalid-input", `the package is not a gzipped tar: ${messageOf(error)}`, { cause: error });
}

/** Counts what the packed stream unpacks to, so that a few kilobytes cannot become gigabytes. */
function bounded(limits: PackageLimits) {
  const most = limits.packageBytes + limits.packageFiles * overheadBytesPerFile + overheadBytes;
  return async function* (chunks: AsyncIterable<Buffer>) {
    let bytes = 0;
    for await (const chunk of chunks) {
      bytes += chunk.length;
      if (bytes > most) throw tooLarge(limits);
      yield chunk;
    }
  };
}

function refused(name: string, message: string): PlatformError {
  const problems = [{ path: name, message }];
  return new PlatformError("invalid-input", `the package is refused: "${name}" ${message}`, { problems });
}

function tooLarge({ packageBytes }: PackageLimits): PlatformError {
  const most = `${packageBytes} bytes unpacked`;
  return new PlatformError("limit-exceeded", `the package is too large: at most ${most} (setting limits.packageBytes)`);
}

function tooMany({ packageFiles }: PackageLimits, what: string): PlatformError {
  return new PlatformError(
    "limit-exceeded",
    `the package has too many ${what}: at most ${packageFiles} (setting limits.packageFiles)`,
  );
}
