import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { messageOf } from "../../foundation/errors.ts";
import type { BunInterpreter } from "./find-bun.ts";
import type { Runtime, RuntimeSetup } from "./runtime.ts";

const checker = fileURLToPath(new URL("./check-bun.mjs", import.meta.url));
/** Its heap claims 6.3 GB of addresses, and with less it ends or does not, as chance will have it. */
const setAsideBytes = 8 * 1024 ** 3;

const fix = "Install the platform's packages again (npm ci), or set executor.bun to a Bun that every user may run.";

/** Nothing that lies about changes how it runs. `sdk`: the directory of what it loads of ours. */
export const closedFlags = (sdk: string) => [
  "--no-install",
  "--no-env-file",
  "--no-macros",
  `--config=${join(sdk, "bun.toml")}`,
];

/**
 * JavaScript and TypeScript, enums and namespaces included, on Bun, which starts in a seventh of Node's time. A run depends
 * on its version alone: nothing is installed on the way, and neither .env nor bunfig.toml of the service is read.
 */
export function createBunRuntime({ findBun, library, runTool }: RuntimeSetup): Runtime {
  const sdk = join(library, "typescript", "src");
  const closed = closedFlags(sdk);
  // No cache of compiled files outside of the run, and no report to Bun's makers when Bun itself crashes.
  const env = { BUN_RUNTIME_TRANSPILER_CACHE_PATH: "0", DO_NOT_TRACK: "1" };
  let found: BunInterpreter | undefined;
  return {
    name: "bun",
    extensions: [".js", ".mjs", ".cjs", ".ts", ".mts", ".cts"],
    canWait: true,
    async resolve() {
      found = await findBun();
    },
    command({ directory, path }) {
      if (!found) throw new Error("the Bun runtime was not resolved");
      return {
        command: found.command,
        args: [...closed, "--preload", join(sdk, "bootstrap-bun.mjs"), join(directory, path)],
        env,
        setAsideBytes,
      };
    },
    hostCommand() {
      if (!found) throw new Error("the Bun runtime was not resolved");
      return { command: found.command, args: [...closed, join(sdk, "warm", "host-bun.mjs")], env, setAsideBytes };
    },
    files: () => (found ? [found.command] : []),
    async check(scripts) {
      try {
        const { command } = await findBun();
        const files = scripts.map(({ directory, path }) => ({ path, file: join(directory, path) }));
        return JSON.parse(await runTool(command, [...closed, checker], JSON.stringify(files)));
      } catch (error) {
        const message = `runs on Bun, which cannot be had here: ${messageOf(error)}. ${fix} With "runtime": "node" in its manifest the service runs on Node`;
        return scripts.map(({ path }) => ({ path, message }));
      }
    },
    async probe() {
      try {
        return { available: true, ...(await findBun()) };
      } catch (error) {
        return { available: false, reason: messageOf(error), fix };
      }
    },
  };
}
