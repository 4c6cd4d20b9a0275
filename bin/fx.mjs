#!/usr/bin/env node
// `npx fx` in a clone must work before anything is installed, so this file too stands on Node 20 alone.
import { dirname, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { withSetUp } from "../scripts/setup/with-set-up.mjs";

const root = resolve(dirname(fileURLToPath(import.meta.url)), "..");

await withSetUp({
  root,
  entry: resolve(root, "scripts/with-setup.mjs"),
  args: [resolve(root, "src/cli/main.ts"), ...process.argv.slice(2)],
});
