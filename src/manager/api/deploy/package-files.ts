import type { Problem } from "../../../foundation/errors.ts";

const maxPathBytes = 1024;
const maxNameBytes = 255;
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is refused.
const unprintable = /[\u0000-\u001f\u007f\ufffd]/;

/** The files of one uploaded package, by path. Refuses whatever could reach outside of its directory. */
export class PackageFiles {
  readonly #files = new Map<string, Buffer>();
  readonly #directories = new Set<string>();

  get size(): number {
    return this.#files.size;
  }

  /** The path as it is stored, or what is wrong with it. */
  static normalPath(given: string): { path: string } | { problem: string } {
    const path = given.replace(/^(?:\.\/)+/, "").replace(/\/+$/, "");
    if (given.startsWith("/")) return { problem: "must be relative, not absolute" };
    if (/^[A-Za-z]:|\\/.test(path)) return { problem: "must be relative, with / between its parts" };
    if (unprintable.test(path)) return { problem: "must be printable UTF-8" };
    const parts = path.split("/");
    if (parts.some((part) => part === "..")) return { problem: 'must not contain ".."' };
    if (path !== "" && parts.some((part) => part === "" || part === "."))
      return { problem: "must have no empty parts" };
    if (Buffer.byteLength(path) > maxPathBytes || parts.some((part) => Buffer.byteLength(part) > maxNameBytes)) {
      return { problem: `must not be longer than ${maxPathBytes} bytes, ${maxNameBytes} a part` };
    }
    return { path };
  }

  add(path: string, content: Buffer): Problem | undefined {
    if (path === "") return { path: ".", message: "is not a file name" };
    if (this.#files.has(path)) return { path, message: "is in the package twice" };
    if (this.#directories.has(path)) return { path, message: "is both a file and a directory" };
    return this.#addParents(path) ?? void this.#files.set(path, content);
  }

  addDirectory(path: string): Problem | undefined {
    if (this.#files.has(path)) return { path, message: "is both a file and a directory" };
    return this.#addParents(`${path}/`);
  }

  get(path: string): Buffer | undefined {
    return this.#files.get(path);
  }

  delete(path: string): void {
    this.#files.delete(path);
  }

  paths(): string[] {
    return [...this.#files.keys()].sort();
  }

  #addParents(path: string): Problem | undefined {
    for (let slash = path.indexOf("/"); slash !== -1; slash = path.indexOf("/", slash + 1)) {
      const directory = path.slice(0, slash);
      if (this.#files.has(directory)) return { path: directory, message: "is both a file and a directory" };
      this.#directories.add(directory);
    }
    return undefined;
  }
}
