/**
 * Says on stderr what this machine lets nobody test, and why: for what our set-up cannot bring. What it can bring is skipped
 * where it is missing, and `.ci/run` fails for it.
 */
export function sayUntested(what: string, why: string): void {
  console.warn(`NOT TESTED on this machine: ${what} (${why})`);
}
