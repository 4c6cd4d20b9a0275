// @ts-check

/** Set-up speaks on stderr only: stdout belongs to the program that runs afterwards. @param {string} line */
export function say(line) {
  process.stderr.write(`fx: ${line}\n`);
}

/**
 * Says what begins, a sign of life every ten seconds, and how long it took. `work` rejecting ends the signs silently:
 * the error has its own words.
 *
 * @template T
 * @param {{ begins: string, goesOn: string, done: string }} words
 * @param {() => Promise<T>} work
 * @returns {Promise<T>}
 */
export async function withProgress({ begins, goesOn, done }, work) {
  const start = process.hrtime.bigint();
  const seconds = () => Math.round(Number(process.hrtime.bigint() - start) / 1e9);
  say(begins);
  const signs = setInterval(() => say(`${goesOn} (${seconds()} s)`), 10_000);
  try {
    const result = await work();
    say(`${done} (${seconds()} s)`);
    return result;
  } finally {
    clearInterval(signs);
  }
}
