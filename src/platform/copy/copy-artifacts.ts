import { isPlatformError, PlatformError } from "../../foundation/errors.ts";
import type { Both } from "./open-both.ts";
import type { Progress } from "./progress.ts";

/** A deploy's files fit in memory, and so do some of them at once. */
const atOnce = 4;

/** The files that versions name. One that the source has lost is told and left: its version could not run there either. */
export async function copyArtifacts({ source, target }: Both, progress: Progress): Promise<number> {
  const hashes = [...(await source.catalog.services.referencedFiles())];
  let copied = 0;
  for (let from = 0; from < hashes.length; from += atOnce) {
    const some = hashes.slice(from, from + atOnce).map(async (hash) => {
      const content = await source.artifacts.get(hash).catch((error: unknown) => {
        if (!isPlatformError(error, "not-found") && !isPlatformError(error, "corrupt")) throw error;
        progress.step(`  left behind: ${error.message}`);
        return undefined;
      });
      if (content === undefined) return;
      if ((await target.artifacts.put(content)) !== hash || !(await target.artifacts.has(hash))) {
        throw new PlatformError("corrupt", `the file ${hash} is not there under its hash after it was stored`);
      }
      copied += 1;
    });
    await Promise.all(some);
    progress.reached("files", copied);
  }
  return copied;
}
