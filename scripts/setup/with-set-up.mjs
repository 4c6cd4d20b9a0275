// @ts-check
import { chooseNode } from "./choose-node.mjs";
import { packagesInPlace } from "./packages-in-place.mjs";
import { parseArguments } from "./parse-arguments.mjs";
import { runHere, runWithNode } from "./run-target.mjs";
import { SetUpError } from "./set-up-error.mjs";

/**
 * Ensures Node, then the packages, then runs the target. What installs is imported only when something is missing:
 * a start with all in place reads nothing but these few files.
 *
 * @param {{ root: string, entry: string, args: string[] }} how `entry` is the file that a newer Node is started with
 */
export async function withSetUp({ root, entry, args }) {
  try {
    const { node: wanted, target, rest } = parseArguments(args);
    const node = await prepare(root, wanted);
    if (node.path !== process.execPath) return await runWithNode({ nodePath: node.path, entry, args });
    return await runHere({ root, target, rest });
  } catch (error) {
    if (!(error instanceof SetUpError)) throw error;
    process.stderr.write(`${error.report()}\n`);
    process.exitCode = 1;
  }
}

/**
 * @param {string} root
 * @param {string | undefined} wanted
 */
async function prepare(root, wanted) {
  try {
    const node = chooseNode({ root, wanted, running: process.versions.node, execPath: process.execPath });
    if (!node.inPlace) await (await import("./bring-node.mjs")).bringNode({ root, node });
    if (!packagesInPlace(root)) await (await import("./install-packages.mjs")).installPackages({ root, node });
    return node;
  } catch (error) {
    throw SetUpError.from(error, root);
  }
}
