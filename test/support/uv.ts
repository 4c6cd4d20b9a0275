import { copyFileSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { Cache, tool } from "../../engines/cache.ts";
import { messageOf } from "../../src/foundation/errors.ts";

const version = "0.13.9";
const tools = join(import.meta.dirname, "../../.tools");

/** A real uv, fetched once into `.tools`; `missing`: why there is none. */
export type TestUv = { version: string; command: string; missing?: never } | { missing: string };

export async function bringUv(): Promise<TestUv> {
  try {
    const directory = await new Cache(tools, console.warn).directory(`uv-${version}`, async (fresh) => {
      const environment = join(fresh, "venv");
      await tool("python3", ["-m", "venv", environment]);
      const install = [
        "-I",
        "-m",
        "pip",
        "install",
        "--quiet",
        "--disable-pip-version-check",
        "--only-binary",
        ":all:",
      ];
      await tool(join(environment, "bin/python"), [...install, `uv==${version}`]);
    });
    return { version, command: join(directory, "venv/bin/uv") };
  } catch (error) {
    return { missing: `no uv ${version} can be had: ${messageOf(error)}` };
  }
}

/** A copy in `directory`, where every user can reach it; `.tools` may lie in somebody's home. */
export function layUv(command: string, directory: string): string {
  mkdirSync(directory, { recursive: true, mode: 0o755 });
  copyFileSync(command, join(directory, "uv"));
  return directory;
}
