import { join } from "node:path";
import { sdkDirectory } from "./library.ts";
import { setAsideBytes } from "./node.ts";
import type { Runtime, RuntimeSetup } from "./runtime.ts";

/** A runaway script must not take the machine's memory; SQLite has a limit of its own beside this one. */
const quiet = ["--disable-warning=ExperimentalWarning", "--max-old-space-size=256"];

/** SQL as templates whose values are bound, on a program of ours that speaks with SQLite and PostgreSQL (rule S4). */
export function createSqlRuntime({ node, library, runTool }: RuntimeSetup): Runtime {
  return {
    name: "sql",
    extensions: [".sql"],
    usesDatabases: true,
    async resolve() {},
    command() {
      return { command: node, args: [...quiet, join(library, "sql", "main.ts")], env: {}, setAsideBytes };
    },
    files: () => [node],
    async check(scripts) {
      const files = scripts.map(({ directory, path }) => ({ path, file: join(directory, path), directory }));
      const checker = join(sdkDirectory, "sql", "check.ts");
      return JSON.parse(await runTool(process.execPath, [...quiet, checker], JSON.stringify(files)));
    },
    async probe() {
      return {
        available: true,
        command: node,
        version: `SQLite ${process.versions.sqlite}, PostgreSQL by the network`,
      };
    },
  };
}
