import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { sandboxHindrance } from "../../../src/executor/isolation/sandbox-probe.ts";
import { findPython } from "../../../src/executor/runtimes/find-python.ts";
import { tempDir } from "../../support/temp-dir.ts";

const real = () => findPython({ searchPath: process.env.PATH, othersMustReach: false });
const ofUserPerRun = "+chown,+dac_override,+fowner,+kill,+setgid,+setuid";
const someUid = 65_000;

/** The same interpreter, started by way of other commands. */
async function by(start: string) {
  const python = await real();
  const command = join(tempDir(), "python3");
  writeFileSync(command, `#!/bin/sh\n${start} ${python.command} "$@"\n`, { mode: 0o755 });
  return { ...python, command };
}

describe("what is in the way of a sandbox", () => {
  it.skipIf(process.getuid?.() !== 0).each([
    ["", "a namespace of processes", "CAP_SYS_ADMIN and CAP_NET_ADMIN"],
    [",+net_admin", "a namespace of processes", "CAP_SYS_ADMIN"],
    [",+sys_admin", "its loopback", "CAP_NET_ADMIN"],
  ])("is told of root with those of a user per run%s: %s, for want of %s", async (more, part, missing) => {
    const python = () => by(`exec setpriv --bounding-set=-all,${ofUserPerRun}${more} --inh-caps=-all`);
    expect(await sandboxHindrance(python, someUid)).toEqual({
      why: `the kernel refuses a part of the sandbox: ${part}: Operation not permitted (root without ${missing})`,
      fix: expect.stringContaining(`give the platform ${missing} as well, or run it as an ordinary user`),
    });
  });

  it.skipIf(process.getuid?.() !== 0)("is nothing where root has just what deploy.md names", async () => {
    const python = () => by(`exec setpriv --bounding-set=-all,${ofUserPerRun},+sys_admin,+net_admin --inh-caps=-all`);
    expect(await sandboxHindrance(python, someUid)).toBeUndefined();
  });

  it("is told of an ordinary user by the namespaces that it may not make", async () => {
    const python = () => by(`exec unshare -Ur sh -c 'echo 0 >/proc/sys/user/max_user_namespaces; exec "$@"' sh`);
    expect(await sandboxHindrance(python, undefined)).toEqual({
      why: expect.stringMatching(/refuses a part of the sandbox: a namespace of processes: ./),
      fix: expect.stringMatching(/user namespaces \(sysctl user\.max_user_namespaces/),
    });
  });

  it("is told of a machine without Python by that", async () => {
    const none = () => Promise.reject(new Error("nowhere"));
    expect(await sandboxHindrance(none, undefined)).toEqual({
      why: "a sandbox needs Python: nowhere",
      fix: expect.stringMatching("executor.python"),
    });
  });
});
