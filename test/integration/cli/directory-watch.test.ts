import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { DirectoryWatch } from "../../../src/cli/deploy/directory-watch.ts";
import { tempDir } from "../../support/temp-dir.ts";

test("what is saved before somebody asks for changes is told, with its directory", async () => {
  const [one, other] = [tempDir(), tempDir()];
  const watch = new DirectoryWatch([one, other]);
  onTestFinished(() => watch.close());
  writeFileSync(join(one, "main.py"), "print(1)");
  for await (const changed of watch) {
    expect(changed).toEqual(new Set([one]));
    break;
  }
});
