import { posix } from "node:path";
import type { ServiceSource, SourceFile } from "./service-source.ts";

/** Files of a service that another one of its files leads to. */
export interface LocalReference {
  /** From the service's directory. */
  path: string;
  /** It is read as the file that names it is, and may lead on. */
  leadsOn: boolean;
}

/** What a file that a tool reads leads to. `directory`: of the file. */
export type ReferencesIn = (text: string, directory: string) => LocalReference[];

/**
 * Those of `first` that are there, and all that they lead to, directories whole. Where a reference leaves the service, or
 * to nothing in it, all files of the service: only the tool knows what it reads then.
 */
export async function withReferences(
  source: ServiceSource,
  first: readonly string[],
  referencesIn: ReferencesIn,
): Promise<readonly SourceFile[]> {
  const wanted = new Set(source.files.filter(({ path }) => first.includes(path)).map(({ path }) => path));
  const open = [first[0] as string];
  for (let file = open.pop(); file !== undefined; file = open.pop()) {
    const text = Buffer.from(await source.read(file)).toString();
    for (const { path, leadsOn } of referencesIn(text, posix.dirname(file))) {
      const place = posix.normalize(path).replace(/\/$/, "");
      const found = source.files.filter((other) => other.path === place || other.path.startsWith(`${place}/`));
      if (found.length === 0) return source.files;
      for (const { path: name } of found) {
        // A directory leads on by the file in it that is named as the first is.
        const isNext = name === place || name === posix.join(place, first[0] as string);
        if (leadsOn && isNext && !wanted.has(name)) open.push(name);
        wanted.add(name);
      }
    }
  }
  return source.files.filter(({ path }) => wanted.has(path));
}
