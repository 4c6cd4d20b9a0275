import { createRequire } from "node:module";
import { messageOf, PlatformError } from "../../foundation/errors.ts";
import { runTool } from "./run-tool.ts";

export interface BunInterpreter {
  command: string;
  version: string;
}

/** The bootstrap rests on how Bun starts, writes and prints errors; npm brings a version that the tests ran on. */
const oldest = [1, 4];

/**
 * The Bun that scripts run with: `wanted`, else the one that came with the platform's packages. It is started once here,
 * since one that lies there may still not run on this processor. Rejects with `unavailable`, saying what was tried.
 */
export async function findBun(wanted: string | undefined): Promise<BunInterpreter> {
  const command = wanted ?? packaged();
  const version = (await runTool(command, ["--version"])).trim();
  const [major = 0, minor = 0] = version.split(".").map(Number);
  if (major * 1000 + minor >= (oldest[0] ?? 0) * 1000 + (oldest[1] ?? 0)) return { command, version };
  throw new PlatformError("unavailable", `'${command}' is Bun ${version}; at least ${oldest.join(".")} is needed`);
}

/** npm installs only the packages that fit this system, processor and C library. */
function packaged(): string {
  const processor = process.arch === "arm64" ? "aarch64" : process.arch;
  const names = ["", "-musl"].map((library) => `@oven/bun-${process.platform}-${processor}${library}`);
  const { resolve } = createRequire(import.meta.url);
  for (const name of names) {
    try {
      return resolve(`${name}/bin/bun`);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "MODULE_NOT_FOUND") {
        throw new PlatformError("unavailable", `the package ${name} cannot be read: ${messageOf(error)}`);
      }
    }
  }
  throw new PlatformError("unavailable", `there is no Bun: the optional package ${names[0]} is not installed`);
}
