import { spawnSync } from "node:child_process";
import { expect, test } from "vitest";
import { limitedCommand } from "../../../src/executor/launcher/limited-command.ts";

const limits = { memoryBytes: 2 ** 29, cpuSeconds: 60, processes: undefined, openFiles: 512, outputBytes: undefined };
const show = 'echo "$(ulimit -H -d) $(ulimit -S -t) $(ulimit -H -t) $(ulimit -H -n)"';

/** What a command finds its limits to be, where its surroundings have set some. */
function limitsFound(before: string, shell: string): string {
  const { command, args } = limitedCommand(limits, false, 0, "/bin/sh", ["-c", show]);
  // An ordinary user, who may raise none.
  const user = process.getuid?.() === 0 ? { uid: 65534, gid: 65534 } : {};
  const words = [before, 'exec "$0" "$@"'].filter(Boolean).join("; ");
  const { stdout, stderr } = spawnSync("/bin/sh", ["-c", words, shell, ...args], {
    cwd: "/",
    encoding: "utf8",
    ...user,
  });
  expect(command).toBe("/bin/sh");
  return stdout.trim() || stderr;
}

test.each(["/bin/sh", "/bin/bash"])("%s sets the limits that a run has", (shell) => {
  expect(limitsFound("", shell)).toBe("524288 60 61 512");
});

test.each(["/bin/sh", "/bin/bash"])("of limits that are tighter already %s leaves the tighter", (shell) => {
  expect(limitsFound("ulimit -n 64; ulimit -t 30", shell)).toBe("524288 30 30 64");
});
