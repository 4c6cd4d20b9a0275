import { chown, cp, mkdir, readdir, stat, symlink } from "node:fs/promises";
import { join } from "node:path";
import { PlatformError } from "../../foundation/errors.ts";

/** What npm calls its cache lies in a directory that it calls so itself (cacache, in version 5 of its index and 2 of its content). */
const inside = "_cacache";
const index = "index-v5";
const content = "content-v2";

/**
 * Lays a cache that npm can write to over `from`, which stays as it is: what is known of packages is copied, the packages
 * themselves, which npm holds to their hashes, are linked to. Answers the directory for npm's `cache`. Throws `invalid-input` where
 * `from` is no cache of npm's.
 */
export async function layNpmCache(from: string, to: string, owner: number | undefined): Promise<string> {
  for (const part of [index, content]) {
    const isThere = await stat(join(from, inside, part)).then(
      (found) => found.isDirectory(),
      () => false,
    );
    if (!isThere) {
      const message = `'${from}' is no cache of npm's: it has no ${inside}/${part}; fill it with "npm cache add <package> --cache ${from}" (setting dependencies.npmCache)`;
      throw new PlatformError("invalid-input", message);
    }
  }
  const own = async (path: string) => (owner === undefined ? undefined : chown(path, owner, owner));
  const lay = async (part: string, place: (source: string, target: string) => Promise<void>) => {
    await mkdir(join(to, part), { recursive: true });
    await own(join(to, part));
    for (const entry of await readdir(join(from, part), { withFileTypes: true })) {
      const below = join(part, entry.name);
      if (entry.isDirectory()) await lay(below, place);
      else await place(join(from, below), join(to, below));
    }
  };
  await mkdir(join(to, inside), { recursive: true });
  for (const path of [to, join(to, inside)]) await own(path);
  await lay(join(inside, content), (source, target) => symlink(source, target));
  await lay(join(inside, index), async (source, target) => {
    await cp(source, target);
    await own(target);
  });
  return to;
}
