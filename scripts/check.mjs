// @ts-check
/**
 * The quality gate: every check runs, and any violation, warnings included, fails the whole.
 *
 *   npm run check
 */
import { existsSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { runChecks } from "./check/run-checks.mjs";
import { resolveTarget } from "./setup/run-target.mjs";

const root = resolve(dirname(fileURLToPath(import.meta.url)), "..");

/** @param {string} name */
const bin = (name) => resolveTarget(root, `@${name}`);

const cruised = ["src", "sdk/typescript", "test", "bench", "engines", "examples", "scripts"].filter((folder) =>
  existsSync(resolve(root, folder)),
);

process.exitCode = await runChecks(root, [
  {
    name: "format and lint (biome)",
    args: [bin("biome"), "check", "--error-on-warnings", "--max-diagnostics=200", "."],
  },
  { name: "types (tsc)", args: [bin("tsc"), "--noEmit", "-p", "."] },
  {
    name: "who imports whom (dependency-cruiser)",
    args: [bin("depcruise"), "--config", ".dependency-cruiser.mjs", ...cruised],
  },
  { name: "dead files, exports and packages (knip)", args: [bin("knip"), "--no-progress"] },
  { name: "words and hosts", args: ["scripts/check/words.mjs"] },
]);
