import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { findPython } from "../../../src/executor/runtimes/find-python.ts";
import { probeFork } from "../../../src/executor/zygote/fork-probe.ts";
import { tempDir } from "../../support/temp-dir.ts";

const real = () => findPython({ searchPath: process.env.PATH, othersMustReach: false });

/** The same interpreter with one module broken, as where a part of the standard library was not installed. */
async function without(module: string) {
  const python = await real();
  const command = join(tempDir(), "python3");
  const broken = `import sys; sys.modules["${module}"] = None; sys.argv = sys.argv[1:]; import runpy; runpy.run_path(sys.argv[0], run_name="__main__")`;
  writeFileSync(
    command,
    `#!/bin/sh
while [ "\${1#-}" != "$1" ]; do [ "$1" = -X ] && shift; shift; done
exec ${python.command} -I -B -c '${broken}' "$@"
`,
    { mode: 0o755 },
  );
  return { ...python, command };
}

describe("whether runs can be forked", () => {
  it("is told with the Python that they are forked from", async () => {
    expect(await probeFork("auto", real)).toEqual({ forks: true, python: await real() });
  });

  it("is told with the last word of a Python that cannot be warmed", async () => {
    const probe = await probeFork("auto", () => without("ctypes"));
    expect(probe).toMatchObject({ forks: false, why: expect.stringMatching(/cannot be started: .*ctypes/) });
  });
});
