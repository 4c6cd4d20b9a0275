// @ts-check
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { minimumNodeMajor, nodeReleases } from "./node-releases.mjs";
import { runNpm } from "./npm.mjs";
import { withProgress } from "./progress.mjs";
import { SetUpError } from "./set-up-error.mjs";
import { withWorkFolder } from "./work-folder.mjs";

/**
 * Brings a Node release from the npm registry into `node.home`. It is fetched, tried and only then moved there by one
 * rename, so an interrupted set-up leaves nothing half done, and of two set-ups at once the later keeps the earlier's.
 *
 * @param {{ root: string, node: import("./choose-node.mjs").ChosenNode }} what
 */
export async function bringNode({ root, node }) {
  const release = nodeReleases[node.version]?.[`${process.platform}-${process.arch}`];
  const installYourself = `install Node ${minimumNodeMajor} or later yourself, and run the same command with it`;
  if (!release) {
    throw new SetUpError({
      what: `cannot bring Node ${node.version}`,
      why: `no package of it is known for ${process.platform}-${process.arch}; this machine's own is ${node.running}`,
      fix: installYourself,
    });
  }
  const words = {
    begins: `bringing Node ${node.version} into .tools (this machine has ${node.running}; ${minimumNodeMajor} or later is needed) ...`,
    goesOn: `still bringing Node ${node.version}`,
    done: `Node ${node.version} is in place`,
  };
  await withProgress(words, () =>
    withWorkFolder(root, async (folder) => {
      writeManifest(folder, release, node.version);
      await runNpm({
        args: ["ci"],
        cwd: folder,
        nodePath: process.execPath,
        what: `cannot bring Node ${node.version}`,
      });
      const unpacked = join(folder, "node_modules", release.name);
      const answer = tryNode(join(unpacked, "bin", "node"));
      if (answer !== `v${node.version}`) {
        throw new SetUpError({
          what: `Node ${node.version} was fetched but does not run here`,
          why: `it answered: ${answer}`,
          fix: installYourself,
        });
      }
      moveUnlessThere(unpacked, node.home, node.path);
    }),
  );
}

/**
 * A lock of one package, so that npm checks the pinned hash.
 *
 * @param {string} folder
 * @param {{ name: string, integrity: string }} release
 * @param {string} version
 */
function writeManifest(folder, { name, integrity }, version) {
  const root = { name: "fx-node", version: "1.0.0", private: true, dependencies: { [name]: version } };
  const lock = {
    name: root.name,
    version: root.version,
    lockfileVersion: 3,
    requires: true,
    packages: { "": root, [`node_modules/${name}`]: { version, integrity } },
  };
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, "package.json"), JSON.stringify(root));
  writeFileSync(join(folder, "package-lock.json"), JSON.stringify(lock));
}

/** @param {string} path */
function tryNode(path) {
  try {
    return execFileSync(path, ["--version"], { encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] }).trim();
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

/**
 * @param {string} from
 * @param {string} to
 * @param {string} proof the file whose presence shows that somebody else was first
 */
export function moveUnlessThere(from, to, proof) {
  try {
    renameSync(from, to);
  } catch (error) {
    if (!existsSync(proof)) throw error;
  }
}
