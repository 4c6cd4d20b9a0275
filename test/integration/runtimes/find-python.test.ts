import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { findPythonVersion, versionsHere } from "../../../src/executor/environments/find-python-version.ts";
import { findPython } from "../../../src/executor/runtimes/find-python.ts";
import { tempDir } from "../../support/temp-dir.ts";

/** What answers as Python 3.8 does: too old for what the platform starts. */
function oldPython(name: string): { directory: string; path: string } {
  const directory = tempDir();
  const path = join(directory, name);
  writeFileSync(path, `#!/bin/sh\necho '["${path}", "3.8.18", ["${directory}"]]'\n`, { mode: 0o755 });
  return { directory, path };
}

it("a Python that is too old is refused by its version, with the oldest that will do", async () => {
  const { path } = oldPython("python3");
  await expect(findPython({ wanted: path, othersMustReach: false })).rejects.toMatchObject({
    code: "unavailable",
    message: `no usable Python 3: '${path}' is Python 3.8.18; scripts need 3.9 or later`,
  });
});

it("a Python that is too old is passed over on the search path, for one that will do", async () => {
  const { directory } = oldPython("python3");
  const found = await findPython({ searchPath: `${directory}:${process.env.PATH}`, othersMustReach: false });
  expect(found).toEqual(await findPython({ searchPath: process.env.PATH, othersMustReach: false }));
});

it("a service that asks for a Python that is too old is told so, and it is not among those that are here", async () => {
  const { directory, path } = oldPython("python3.8");
  const search = { searchPath: directory, othersMustReach: false };
  await expect(findPythonVersion("3.8", search)).rejects.toMatchObject({
    code: "invalid-input",
    message: expect.stringContaining(`'${path}' is Python 3.8.18; scripts need 3.9 or later`),
  });
  expect(await versionsHere(search)).not.toContain("3.8.18");
});
