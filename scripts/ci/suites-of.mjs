// @ts-check

/** These run the tests of `test` once more, on another Node; they are no suites of their own. */
const sameTests = /^test:node\d+$/;

/**
 * @param {Record<string, string>} scripts of package.json
 * @returns {string[]} `test`, then every `test:<name>` in its order
 */
export function suitesOf(scripts) {
  const longer = Object.keys(scripts).filter((name) => name.startsWith("test:") && !sameTests.test(name));
  return ["test", ...longer];
}
