import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { expect, test } from "vitest";
import { root } from "../../support/cli.ts";
import { tempDir } from "../../support/temp-dir.ts";

test("at a terminal secrets set is refused with --no-input, and says how a value is given", () => {
  const command = [
    process.execPath,
    join(root, "src/cli/main.ts"),
    "secrets",
    "set",
    "service:default/x",
    "KEY",
    "--no-input",
  ];
  const terminal = ["-c", "import pty, sys; sys.exit(pty.spawn(sys.argv[1:]) >> 8)"];
  const { status, stdout } = spawnSync("python3", [...terminal, ...command], { cwd: tempDir(), encoding: "utf8" });
  expect(stdout).toContain("give it on standard input or with --file");
  expect(status).toBe(2);
});
