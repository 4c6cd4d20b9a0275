import { execFileSync } from "node:child_process";
import { chownSync, existsSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Isolation } from "../../../src/executor/isolation/isolation.ts";
import type { ProcessStepRunner } from "../../../src/executor/process-step-runner.ts";
import { tempDir, tempDirForFile } from "../../support/temp-dir.ts";
import { openRunner, runScript, runScriptAhead } from "./script-runs.ts";

const data = tempDirForFile();
let runner: ProcessStepRunner;
beforeAll(async () => {
  runner = await openRunner(data);
});
afterAll(() => runner.close());

/** Calls of the kernel that Python has no names for: shared memory of System V, and keys. */
const calls = `import ctypes, os
libc = ctypes.CDLL(None, use_errno=True)
libc.shmat.restype = ctypes.c_void_p
add_key, keyctl = {"x86_64": (248, 250), "aarch64": (217, 219)}[os.uname().machine]
SEARCH = 10
def key_in(ring, name):
    return libc.syscall(keyctl, SEARCH, ring, b"user", name.encode(), 0) >= 0
`;
const places = ["/tmp", "/var/tmp", "/dev/shm"];

const leaver = `${calls}
import time, uuid
name = "fx-left-" + uuid.uuid4().hex
for place in ${JSON.stringify(places)}:
    open(f"{place}/{name}", "w").write("mine")
    os.makedirs(f"{place}/{name}.d/deep")
    open(f"{place}/{name}.d/deep/file", "w").close()
shared = int(name[-7:], 16)
print(name, libc.shmget(shared, 4096, 0o1600) >= 0)
for ring in (-4, -3):
    libc.syscall(add_key, b"user", name.encode(), b"mine", 4, ring)
print(key_in(-4, name), flush=True)
time.sleep(60)`;

const finder = (name: string) => `${calls}
name = "${name}"
for place in ${JSON.stringify(places)}:
    for look in (lambda: open(f"{place}/{name}").read(), lambda: os.listdir(f"{place}/{name}.d"), lambda: os.remove(f"{place}/{name}")):
        try: print("found", look())
        except PermissionError: print("refused")
        except FileNotFoundError: print("gone")
id = libc.shmget(int(name[-7:], 16), 0, 0)
print("shared memory", id >= 0 and libc.shmat(id, None, 0) not in (None, ctypes.c_void_p(-1).value))
print("keys", key_in(-4, name), key_in(-3, name))`;

const removeShared = (name: string) => `import ctypes
libc = ctypes.CDLL(None)
libc.shmctl(libc.shmget(int("${name}"[-7:], 16), 0, 0), 0, None)`;

describe.skipIf(process.getuid?.() !== 0)("S3: where the executor is root", () => {
  it.each(["auto", "off"] as const)(
    "what a run leaves where every user may write is closed to others and goes with it, with executor.fork %s",
    async (fork) => {
      const own = fork === "off" ? await openRunner(tempDir(), fork) : runner;
      const first = runScript(own, { "main.py": leaver }, "main.py");
      const name = await first.waitFor(/^(fx-left-\w+) True\nTrue\n$/);
      const find = async (slot: number) => {
        const next = runScript(own, { "main.py": finder(name) }, "main.py", { request: { slot } });
        await next.result;
        return next.both();
      };
      try {
        expect(await find(1)).toBe(`${"refused\n".repeat(9)}shared memory False\nkeys False False\n`);
        first.step.stop("cancelled", 0);
        await first.result;
        expect(await find(0)).toBe(`${"gone\n".repeat(9)}shared memory False\nkeys False False\n`);
      } finally {
        execFileSync("python3", ["-c", removeShared(name)]);
        if (own !== runner) await own.close();
      }
    },
  );

  it("a script may use a name of its own in /tmp in each of its runs, also where others leave theirs alone", async () => {
    const name = `/tmp/fx-own-${process.pid}`;
    const others = `${name}-of-others`;
    writeFileSync(others, "");
    const source = `import os\nopen("${name}", "w").write(str(os.getuid()))\nprint(open("${name}").read() == str(os.getuid()))`;
    const { directory, ...first } = runScript(runner, { "main.py": source }, "main.py");
    await first.result;
    expect(first.both()).toBe("True\n");
    for (const start of [runScript, runScriptAhead]) {
      const next = await start(runner, {}, "main.py", {}, directory);
      await next.result;
      expect(next.both()).toBe("True\n");
    }
    expect([existsSync(name), existsSync(others)]).toEqual([false, true]);
    rmSync(others);
  });

  it("what runs of a platform that was killed have left is gone once another has started, and what others still use is not", async () => {
    const { firstUid } = runner.isolation as Extract<Isolation, { kind: "own-user" }>;
    // Of a range that nobody holds; of one that a platform does; of nobody's ranges at all.
    const owners = { abandoned: 0x7000_0000 + 200 * 2 ** 20 + 5, held: firstUid + 77, others: 50_500 };
    const paths = Object.entries(owners).map(([name, uid]) => {
      const path = `/tmp/fx-left-${process.pid}-${name}`;
      mkdirSync(path);
      chownSync(path, uid, uid);
      return path;
    });
    const next = await openRunner(tempDir());
    expect(paths.map((path) => existsSync(path))).toEqual([false, true, true]);
    await next.close();
    for (const path of paths) rmSync(path, { recursive: true, force: true });
  });

  it("each run of a script has another user, in a process of its own and in one that waited for it", async () => {
    const files = { "main.py": "import os\nprint(os.getuid(), os.getgid())" };
    const { directory, ...first } = runScript(runner, files, "main.py");
    await first.result;
    const seen = [first.stdout()];
    for (const start of [runScriptAhead, runScript, runScriptAhead]) {
      const next = await start(runner, files, "main.py", {}, directory);
      expect(await next.result).toMatchObject({ kind: "exited", exitCode: 0 });
      expect(seen).not.toContain(next.stdout());
      seen.push(next.stdout());
    }
  });
});
