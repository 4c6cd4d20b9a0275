// @ts-check
import { spawn } from "node:child_process";

/** @typedef {{ name: string, args: string[] }} Check */
/** @typedef {{ check: Check, passed: boolean, output: string, seconds: string }} CheckResult */

/** Two at a time: more only slows each on a small machine. */
const atOnce = 2;

/**
 * Runs every check with the running Node, also after one has failed, and prints their words in the order given.
 *
 * @param {string} root
 * @param {Check[]} checks
 * @returns {Promise<number>} the exit code: 0 when all have passed
 */
export async function runChecks(root, checks) {
  /** @type {(() => void)[]} */
  const waiting = [];
  let running = 0;
  /** @param {Check} check @returns {Promise<CheckResult>} */
  const inTurn = async (check) => {
    if (running >= atOnce) await new Promise((go) => waiting.push(() => go(undefined)));
    running += 1;
    const result = await runCheck(root, check);
    running -= 1;
    waiting.shift()?.();
    return result;
  };
  let failures = 0;
  for (const pending of checks.map(inTurn)) {
    const { check, passed, output, seconds } = await pending;
    if (!passed) failures += 1;
    process.stdout.write(`${passed ? "passed" : "FAILED"}  ${check.name} (${seconds} s)\n`);
    if (!passed) process.stdout.write(`${output.trimEnd()}\n\n`);
  }
  process.stdout.write(
    failures === 0 ? `All ${checks.length} checks passed.\n` : `${failures} of ${checks.length} checks failed.\n`,
  );
  return failures === 0 ? 0 : 1;
}

/**
 * @param {string} root
 * @param {Check} check
 * @returns {Promise<CheckResult>}
 */
function runCheck(root, check) {
  const start = process.hrtime.bigint();
  const child = spawn(process.execPath, check.args, { cwd: root, stdio: ["ignore", "pipe", "pipe"] });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8").on("data", (text) => {
      output += text;
    });
  }
  return new Promise((settle) => {
    /** @param {boolean} passed */
    const end = (passed) => {
      const seconds = (Number(process.hrtime.bigint() - start) / 1e9).toFixed(1);
      settle({ check, passed, output, seconds });
    };
    child.on("error", (error) => {
      output += error.message;
      end(false);
    });
    child.on("close", (code) => end(code === 0));
  });
}
