import { execFileSync } from "node:child_process";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
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
import tempfile, uuid
name = "fx-left-" + uuid.uuid4().hex
for place in ${JSON.stringify(places)}:
    open(f"{place}/{name}", "w").write("mine")
    os.mkdir(f"{place}/{name}.d")
shared = int(name[-7:], 16)
print(name, libc.shmget(shared, 4096, 0o1600) >= 0)
for ring in (-4, -3):
    libc.syscall(add_key, b"user", name.encode(), b"mine", 4, ring)
print(key_in(-4, name), flush=True)`;

const finder = (name: string) => `${calls}
name = "${name}"
for place in ${JSON.stringify(places)}:
    for look in (lambda: open(f"{place}/{name}").read(), lambda: os.listdir(f"{place}/{name}.d"), lambda: os.remove(f"{place}/{name}")):
        try: print("found", look())
        except PermissionError: pass
id = libc.shmget(int(name[-7:], 16), 0, 0)
print("shared memory", id >= 0 and libc.shmat(id, None, 0) not in (None, ctypes.c_void_p(-1).value))
print("keys", key_in(-4, name), key_in(-3, name))`;

const remover = (name: string) => `import ctypes, os, shutil
for place in ${JSON.stringify(places)}:
    os.remove(f"{place}/${name}")
    shutil.rmtree(f"{place}/${name}.d")
libc = ctypes.CDLL(None)
libc.shmctl(libc.shmget(int("${name}"[-7:], 16), 0, 0), 0, None)`;

describe.skipIf(process.getuid?.() !== 0)("S3: where the executor is root", () => {
  it.each(["auto", "off"] as const)(
    "what a run leaves where every user may write is closed to the next one of its slot, with executor.fork %s",
    async (fork) => {
      const own = fork === "off" ? await openRunner(tempDir(), fork) : runner;
      const first = runScript(own, { "main.py": leaver }, "main.py");
      await first.result;
      expect([first.stderr(), first.stdout()]).toEqual(["", expect.stringMatching(/^fx-left-\w+ True\nTrue\n$/)]);
      const [name = ""] = first.stdout().split(" ");
      try {
        const next = runScript(own, { "main.py": finder(name) }, "main.py");
        await next.result;
        expect([next.stderr(), next.stdout()]).toEqual(["", "shared memory False\nkeys False False\n"]);
      } finally {
        execFileSync("python3", ["-c", remover(name)]);
        if (own !== runner) await own.close();
      }
    },
  );

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
