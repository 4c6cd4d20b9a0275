import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Runtime, RuntimeSetup } from "./runtime.ts";

const checker = fileURLToPath(new URL("./check.cjs", import.meta.url));

/** Types are stripped and formats detected as a matter of course here; the script's output is its own. */
const quiet = ["--disable-warning=ExperimentalWarning", "--disable-warning=MODULE_TYPELESS_PACKAGE_JSON"];

/** Its threads and its code claim 570 MB. */
export const setAsideBytes = 768 * 1024 * 1024;

/** JavaScript and erasable TypeScript on Node, the version that the platform itself runs on. */
export function createNodeRuntime({ node, library, runTool }: RuntimeSetup): Runtime {
  const sdk = join(library, "typescript", "src");
  const bootstrap = join(sdk, "bootstrap.cjs");
  return {
    name: "node",
    extensions: [".js", ".mjs", ".cjs", ".ts", ".mts", ".cts"],
    canWait: true,
    async resolve() {},
    command({ directory, path }) {
      const args = [...quiet, "--require", bootstrap, join(directory, path)];
      // Node can wait for nothing before its first module, but for a descriptor that blocks.
      return { command: node, args, env: {}, setAsideBytes, waitsOnDescriptor: true };
    },
    hostCommand() {
      const host = join(sdk, "warm", "host-node.cjs");
      return { command: node, args: [...quiet, "--require", bootstrap, host], env: {}, setAsideBytes };
    },
    files: () => [node],
    async check(scripts) {
      const files = scripts.map(({ directory, path }) => ({ path, file: join(directory, path), directory }));
      const args = ["--no-warnings", "--experimental-vm-modules", checker];
      return JSON.parse(await runTool(process.execPath, args, JSON.stringify(files)));
    },
    async probe() {
      return { available: true, command: node, version: process.versions.node };
    },
  };
}
