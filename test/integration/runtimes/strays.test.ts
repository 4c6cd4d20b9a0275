import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { afterEach, describe, expect, it } from "vitest";
import { killStrays } from "../../../src/executor/launcher/strays.ts";
import { eventually } from "../../support/eventually.ts";
import { isAlive } from "./script-runs.ts";

const started: ChildProcess[] = [];
afterEach(() => {
  for (const child of started.splice(0)) child.kill("SIGKILL");
});

/** Runs a Python program that prints a process id first, and gives it with the program's own. */
async function printedBy(program: string, options: { env?: NodeJS.ProcessEnv; uid?: number } = {}) {
  const child = spawn("python3", ["-c", program], { stdio: ["pipe", "pipe", "inherit"], ...options });
  started.push(child);
  const [line] = await once(createInterface({ input: child.stdout }), "line");
  return { child, pid: Number(line) };
}

const statusOf = (pid: number) => readFileSync(`/proc/${pid}/status`, "utf8");
const entry = "FX_LAUNCH=strays-test";
const env = { PATH: process.env.PATH, FX_LAUNCH: "strays-test" };

/** Its first thread ends, and another goes on. */
const withoutFirstThread = `import ctypes, os, threading, time
threading.Thread(target=time.sleep, args=(600,)).start()
print(os.getpid(), flush=True)
ctypes.CDLL(None).syscall({"x86_64": 60, "aarch64": 93}[os.uname().machine], 0)`;

/**
 * A process that was killed and cannot end: it is the first of a process namespace, and somebody outside traces its child and does not
 * collect it. It ends when this program's input does.
 */
const aboutToEnd = `import ctypes, os, sys
libc = ctypes.CDLL(None, use_errno=True)
NEWPID, SEIZE = 0x20000000, 0x4206
if libc.unshare(NEWPID) != 0: sys.exit("no namespace")
first = os.fork()
if first == 0:
    os.execve("/bin/sh", ["sh", "-c", "sleep 600 & wait"], {"PATH": "/usr/bin:/bin", "FX_LAUNCH": "strays-test"})
child = ""
while not child:
    child = open(f"/proc/{first}/task/{first}/children").read()
if libc.ptrace(SEIZE, int(child), None, None) != 0: sys.exit("not traced")
os.kill(first, 9)
print(first, flush=True)
sys.stdin.read()
os.waitpid(int(child), 0)
os.waitpid(first, 0)`;

describe("D8: what is left of a run", () => {
  it("is killed and waited for also where the first thread of a process has ended alone", async () => {
    const { pid, child } = await printedBy(withoutFirstThread, { env });
    await eventually(() => /^State:\s+Z/m.test(statusOf(pid)));
    expect(await isAlive(pid)).toBe(true);
    await eventually(() => killStrays({ kind: "environment", entry }, pid - 1) === 0);
    expect(await isAlive(pid)).toBe(false);
    await eventually(() => child.signalCode === "SIGKILL");
  });

  it.skipIf(process.getuid?.() !== 0)("is killed so also by its user", async () => {
    const uid = 50_610;
    const { pid } = await printedBy(withoutFirstThread, { uid });
    await eventually(() => /^State:\s+Z/m.test(statusOf(pid)));
    await eventually(() => killStrays({ kind: "users", firstUid: uid, lastUid: uid }) === 0);
    expect(await isAlive(pid)).toBe(false);
  });

  it.skipIf(process.getuid?.() !== 0)(
    "is waited for while it is about to end, and shows nothing any more",
    async () => {
      const { pid, child } = await printedBy(aboutToEnd);
      await eventually(() => !statusOf(pid).includes("VmRSS"));
      expect(await isAlive(pid)).toBe(true);
      expect(killStrays({ kind: "environment", entry }, pid - 1)).toBeGreaterThan(0);
      child.stdin.end();
      await eventually(() => killStrays({ kind: "environment", entry }, pid - 1) === 0);
      expect(await isAlive(pid)).toBe(false);
    },
  );
});
