// @ts-check
import { spawn } from "node:child_process";
import { realpathSync } from "node:fs";
import { Socket } from "node:net";
import { constants } from "node:os";
import { delimiter, dirname, join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { passSignals } from "./pass-signals.mjs";
import { SetUpError } from "./set-up-error.mjs";

/** Set for a child started by `runWithNode`; its descriptor 3 ends when the parent does. */
const followsParent = "FX_SET_UP_FOLLOWS_PARENT";

/**
 * Runs the target in this very process, which costs nothing and leaves signals and exit codes as they are.
 *
 * @param {{ root: string, target: string, rest: string[] }} what
 */
export async function runHere({ root, target, rest }) {
  if (process.env[followsParent]) endWithParent();
  delete process.env[followsParent];
  process.env.PATH = pathBeginningWith(dirname(process.execPath), process.env.PATH);
  const file = resolveTarget(root, target);
  process.argv = [process.execPath, file, ...rest];
  await import(pathToFileURL(file).href);
}

/**
 * Starts the same set-up with another Node, which then runs the target in its own process. The child leads a process
 * group of its own: otherwise a terminal's Ctrl-C would reach it twice, once from the terminal and once from here.
 * When this process is killed the child dies with it; nothing holds a port or a data directory behind the user's back.
 *
 * @param {{ nodePath: string, entry: string, args: string[] }} what
 * @returns {Promise<void>} after the child's end, with this process's exit code set to the child's
 */
export function runWithNode({ nodePath, entry, args }) {
  const child = spawn(nodePath, [entry, ...args], {
    stdio: ["inherit", "inherit", "inherit", "pipe"],
    detached: true,
    env: { ...process.env, [followsParent]: "1", PATH: pathBeginningWith(dirname(nodePath), process.env.PATH) },
  });
  passSignals(child);
  return new Promise((settle, fail) => {
    child.on("error", (error) => {
      fail(
        new SetUpError({
          what: `cannot start ${nodePath}`,
          why: error.message,
          fix: `rm -rf ${dirname(dirname(nodePath))} and run the same command again`,
        }),
      );
    });
    child.on("exit", (code, signal) => {
      if (signal) endBySignal(signal);
      else process.exitCode = code ?? 1;
      settle();
    });
  });
}

/**
 * The file behind a target: `@name` is a program of the installed packages, all else a path from the repository's root.
 *
 * @param {string} root
 * @param {string} target
 */
export function resolveTarget(root, target) {
  if (!target.startsWith("@")) return resolve(root, target);
  try {
    return realpathSync(join(root, "node_modules", ".bin", target.slice(1)));
  } catch {
    throw new SetUpError({
      what: `no installed package has a program named ${target.slice(1)}`,
      why: `node_modules/.bin/${target.slice(1)} does not exist`,
      fix: "npm ci",
    });
  }
}

/**
 * @param {string} folder
 * @param {string | undefined} path
 */
export function pathBeginningWith(folder, path) {
  if (!path) return folder;
  return path.split(delimiter)[0] === folder ? path : `${folder}${delimiter}${path}`;
}

/** The parent held the other end of descriptor 3 open; its end, however sudden, is ours. */
function endWithParent() {
  const parent = new Socket({ fd: 3, readable: true, writable: false });
  parent.on("close", () => process.kill(process.pid, "SIGKILL"));
  parent.on("error", () => {});
  parent.resume();
  parent.unref();
}

/**
 * Ends as the child ended, so that a shell sees the same; where a signal cannot end this process, by the usual code.
 *
 * @param {NodeJS.Signals} signal
 */
function endBySignal(signal) {
  process.removeAllListeners(signal);
  process.exitCode = 128 + constants.signals[signal];
  process.kill(process.pid, signal);
}
