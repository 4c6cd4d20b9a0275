// @ts-check
/**
 * Runs a program of this repository with everything it needs in place: a Node new enough, and the packages of
 * package-lock.json. It stands on the built-ins of Node 20 alone, because nothing may be installed yet.
 *
 *   node scripts/with-setup.mjs [--node=24.21.0] <file.ts | file.mjs | @bin> [arguments]
 *
 * `@vitest` means the program that the installed packages call `vitest`. Nothing is printed when all is in place.
 */
import { dirname, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { withSetUp } from "./setup/with-set-up.mjs";

await withSetUp({
  root: resolve(dirname(fileURLToPath(import.meta.url)), ".."),
  entry: fileURLToPath(import.meta.url),
  args: process.argv.slice(2),
});
