// @ts-check
import { existsSync } from "node:fs";
import { join } from "node:path";
import { minimumNodeMajor, pinnedNode } from "./node-releases.mjs";

/** @typedef {{ version: string, path: string, inPlace: boolean, home: string, running: string }} ChosenNode */

/**
 * The Node to run with: the running one where it is new enough (or exactly the one asked for), else the one under
 * `.tools`. That folder appears there whole or not at all, so its presence is proof enough.
 *
 * @param {{ root: string, wanted: string | undefined, running: string, execPath: string }} from
 * @returns {ChosenNode} `home` is the folder of a brought Node.
 */
export function chooseNode({ root, wanted, running, execPath }) {
  const version = wanted ?? pinnedNode;
  const home = join(root, ".tools", `node-${version}`);
  const runningServes = wanted === undefined ? Number(running.split(".")[0]) >= minimumNodeMajor : wanted === running;
  if (runningServes) return { version: running, path: execPath, inPlace: true, home, running };
  const path = join(home, "bin", "node");
  return { version, path, inPlace: existsSync(path), home, running };
}
