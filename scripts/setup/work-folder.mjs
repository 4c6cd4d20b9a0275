// @ts-check
import { mkdirSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";

const prefix = "unfinished-";

/**
 * Runs `work` with a new folder under `.tools`, removed afterwards in any case. What an earlier, killed set-up
 * left behind is swept first; the folders of set-ups still running are known by their process id and stay.
 *
 * @template T
 * @param {string} root
 * @param {(folder: string) => Promise<T>} work
 * @returns {Promise<T>}
 */
export async function withWorkFolder(root, work) {
  const tools = join(root, ".tools");
  mkdirSync(tools, { recursive: true });
  for (const name of readdirSync(tools)) {
    if (name.startsWith(prefix) && !isRunning(Number(name.slice(prefix.length).split("-")[0])))
      remove(join(tools, name));
  }
  const folder = join(tools, `${prefix}${process.pid}-${process.hrtime.bigint()}`);
  mkdirSync(folder);
  const removeAtExit = () => remove(folder);
  process.on("exit", removeAtExit);
  try {
    return await work(folder);
  } finally {
    process.off("exit", removeAtExit);
    remove(folder);
  }
}

/** @param {string} folder */
function remove(folder) {
  rmSync(folder, { recursive: true, force: true, maxRetries: 3 });
}

/** @param {number} pid */
export function isRunning(pid) {
  if (!Number.isInteger(pid) || pid <= 0) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // EPERM: it runs, as somebody else.
    return /** @type {NodeJS.ErrnoException} */ (error).code === "EPERM";
  }
}
