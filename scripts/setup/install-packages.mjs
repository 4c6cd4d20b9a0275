// @ts-check
import { cpSync, existsSync, mkdirSync, readFileSync, renameSync } from "node:fs";
import { dirname, join } from "node:path";
import { runNpm } from "./npm.mjs";
import { lockHash, packagesInPlace, satisfiesLock, writeStamp } from "./packages-in-place.mjs";
import { withProgress } from "./progress.mjs";
import { SetUpError } from "./set-up-error.mjs";
import { withWorkFolder } from "./work-folder.mjs";

/**
 * Installs what package-lock.json names. npm works in a folder beside, and its finished node_modules is moved into
 * place by a rename: an interrupted set-up leaves the old one or none, and two at once cannot mix theirs.
 *
 * @param {{ root: string, node: import("./choose-node.mjs").ChosenNode }} where
 */
export async function installPackages({ root, node }) {
  const words = {
    begins: "installing the packages of package-lock.json ...",
    goesOn: "still installing the packages",
    done: "the packages are in place",
  };
  await withProgress(words, () =>
    withWorkFolder(root, async (folder) => {
      const hash = lockHash(root);
      copyManifests(root, folder);
      // No package of ours needs its install script, so none may run. Development packages belong to the set-up:
      // the environment of a production machine would otherwise leave `npm test` without its tools. Not `npm ci`: it
      // refuses a lock that lacks optional packages of other systems, which some registries do not carry. What was
      // installed is compared with the lock instead.
      const args = ["install", "--no-save", "--ignore-scripts", "--include=dev"];
      await runNpm({ args, cwd: folder, nodePath: node.path, what: "cannot install the packages" });
      const installed = join(folder, "node_modules");
      verify(root, installed);
      writeStamp(installed, hash);
      if (packagesInPlace(root)) return;
      const current = join(root, "node_modules");
      if (existsSync(current)) renameSync(current, join(folder, "replaced"));
      moveOrYield(installed, current, root);
    }),
  );
}

/**
 * @param {string} root
 * @param {string} installed
 */
function verify(root, installed) {
  const lock = readFileSync(join(root, "package-lock.json"), "utf8");
  const record = join(installed, ".package-lock.json");
  if (existsSync(record) && satisfiesLock(lock, readFileSync(record, "utf8"))) return;
  throw new SetUpError({
    what: "cannot install the packages",
    why: "npm installed other versions than package-lock.json names",
    fix: 'update the lock with "npm install", and run the same command again',
  });
}

/**
 * @param {string} from
 * @param {string} to
 * @param {string} root
 */
function moveOrYield(from, to, root) {
  try {
    renameSync(from, to);
  } catch (error) {
    if (!packagesInPlace(root)) throw error;
  }
}

/**
 * The files that decide what npm installs: the root's, and each workspace's manifest at the same relative place, since
 * npm links workspaces by relative paths.
 *
 * @param {string} root
 * @param {string} folder
 */
function copyManifests(root, folder) {
  const manifest = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
  /** @type {string[]} */
  const workspaces = manifest.workspaces ?? [];
  const files = [
    "package.json",
    "package-lock.json",
    ".npmrc",
    ...workspaces.map((path) => join(path, "package.json")),
  ];
  for (const file of files) {
    if (!existsSync(join(root, file))) continue;
    mkdirSync(dirname(join(folder, file)), { recursive: true });
    cpSync(join(root, file), join(folder, file));
  }
}
