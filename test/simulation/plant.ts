import { registerHooks } from "node:module";
import { workerData } from "node:worker_threads";
import { type PlantedBug, plantInto } from "./planted-bug.ts";

/**
 * Loaded before everything else in a thread that runs with a planted bug: changes the source of the
 * product as it is read, so that nothing is changed on disk.
 */
const { bug } = workerData as { bug: PlantedBug };

registerHooks({
  load(url, context, nextLoad) {
    const loaded = nextLoad(url, context);
    const edits = bug.edits.filter(({ file }) => url.endsWith(`/src/${file}`));
    if (edits.length === 0 || loaded.source === undefined) return loaded;
    return { ...loaded, source: plantInto(Buffer.from(loaded.source as Uint8Array).toString(), edits) };
  },
});
