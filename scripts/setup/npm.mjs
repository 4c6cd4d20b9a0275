// @ts-check
import { spawn } from "node:child_process";
import { basename, dirname } from "node:path";
import { refuseFullDisk } from "./full-disk.mjs";
import { explainNpmFailure } from "./npm-failure.mjs";
import { pathBeginningWith } from "./run-target.mjs";
import { SetUpError } from "./set-up-error.mjs";

/** Enough of npm's words to see its error: it is told to print nothing else. */
const keptCharacters = 64 * 1024;

/**
 * Runs npm quietly in a folder, with the given Node first on PATH. Its words are shown only when it fails. A signal
 * that stops this process stops npm too.
 *
 * @param {{ args: string[], cwd: string, nodePath: string, what: string }} how
 */
export async function runNpm({ args, cwd, nodePath, what }) {
  const command = npmCommand(nodePath);
  const child = spawn(command.file, [...command.args, ...args, ...quiet, `--prefix=${cwd}`], {
    cwd,
    stdio: ["ignore", "pipe", "pipe"],
    env: npmEnvironment(nodePath),
  });
  let words = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8").on("data", (text) => {
      words = (words + text).slice(0, keptCharacters);
    });
  }
  const stop = stopWith(child);
  try {
    const code = await new Promise((settle, fail) => {
      child.on("error", (error) => fail(npmMissing(what, error)));
      child.on("close", settle);
    });
    refuseFullDisk(cwd, what);
    if (code !== 0) throw new SetUpError({ what, ...explainNpmFailure(words, code) });
  } finally {
    stop.forget();
  }
}

const quiet = ["--no-audit", "--no-fund", "--no-update-notifier", "--loglevel=error", "--foreground-scripts=false"];

/**
 * The npm that started us, run by the chosen Node; otherwise the npm on PATH.
 *
 * @param {string} nodePath
 */
function npmCommand(nodePath) {
  const running = process.env.npm_execpath;
  const isNpm = running !== undefined && ["npm-cli.js", "npx-cli.js"].includes(basename(running));
  return isNpm
    ? { file: nodePath, args: [running.replace(/npx-cli\.js$/, "npm-cli.js")] }
    : { file: process.platform === "win32" ? "npm.cmd" : "npm", args: [] };
}

/**
 * What an outer `npm run` tells its scripts about its own call (a prefix, a workspace, omitted kinds) is not meant for
 * this one; registry, proxy and certificates are.
 *
 * @param {string} nodePath
 */
function npmEnvironment(nodePath) {
  /** @type {NodeJS.ProcessEnv} */
  const env = { ...process.env, PATH: pathBeginningWith(dirname(nodePath), process.env.PATH) };
  const ofTheOuterCall =
    /^npm_(package_|lifecycle_|command$|config_(local_prefix|prefix|workspaces?|omit|only|production|global|location|dry_run|package_lock)$)/i;
  for (const name of Object.keys(env)) if (ofTheOuterCall.test(name)) delete env[name];
  return env;
}

/**
 * @param {string} what
 * @param {NodeJS.ErrnoException} error
 */
function npmMissing(what, error) {
  const absent = error.code === "ENOENT";
  return new SetUpError({
    what,
    why: absent ? "there is no npm on PATH" : `npm cannot be started: ${error.message}`,
    fix: absent ? "install npm (it comes with Node), and run the same command again" : "npm --version",
  });
}

/** @param {import("node:child_process").ChildProcess} child */
function stopWith(child) {
  const signals = /** @type {const} */ ([
    ["SIGINT", 130],
    ["SIGTERM", 143],
    ["SIGHUP", 129],
  ]);
  const handlers = signals.map(([signal, code]) => {
    const handler = () => {
      child.kill("SIGKILL");
      process.exit(code);
    };
    process.on(signal, handler);
    return { signal, handler };
  });
  return { forget: () => handlers.forEach(({ signal, handler }) => void process.off(signal, handler)) };
}
