// @ts-check
import { statfsSync } from "node:fs";
import { SetUpError } from "./set-up-error.mjs";

/** Less than this left means that something did not fit. */
const leftBytes = 8 * 1024 * 1024;

/**
 * npm may end well on a full disk and leave files cut short, so its exit code does not tell.
 *
 * @param {string} folder on the disk in question
 * @param {string} what the work that failed
 */
export function refuseFullDisk(folder, what) {
  const { bavail, bsize } = statfsSync(folder);
  if (bavail * bsize >= leftBytes) return;
  throw new SetUpError({
    what,
    why: "the disk is full",
    fix: 'free about 700 MB ("df -h ." shows the disk), then run the same command again',
  });
}
