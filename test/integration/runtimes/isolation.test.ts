import { execFileSync, spawn } from "node:child_process";
import { chmodSync, copyFileSync, existsSync, mkdirSync, readdirSync, statSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { DatabaseArea } from "../../../src/executor/database-area.ts";
import { firstUserOf } from "../../../src/executor/isolation/choose-isolation.ts";
import { describeIsolation } from "../../../src/executor/isolation/isolation.ts";
import { landlockCommand } from "../../../src/executor/isolation/landlock-command.ts";
import { isReachable } from "../../../src/executor/isolation/reachable.ts";
import { firstUids, RunUsers } from "../../../src/executor/isolation/run-users.ts";
import { killAllOfUser } from "../../../src/executor/launcher/launched-tools.ts";
import { RunRoot } from "../../../src/executor/run-root.ts";
import { findPython } from "../../../src/executor/runtimes/find-python.ts";
import type { VersionId } from "../../../src/foundation/ids.ts";
import { systemRandom } from "../../../src/foundation/random.ts";
import { eventually } from "../../support/eventually.ts";
import { tempDir } from "../../support/temp-dir.ts";
import { allChanges, ownChanges, processChanges } from "./process-changes.ts";
import { startLauncher } from "./script-runs.ts";

describe.skipIf(process.getuid?.() !== 0)("S3: users for scripts, where the executor is root", () => {
  it("are never shared by two platforms on one machine", async () => {
    const first = await RunUsers.claim(50_000, 4, systemRandom);
    const second = await RunUsers.claim(50_000, 600, systemRandom);
    expect(second.firstUid).toBeGreaterThan(first.lastUid);
    first.release();
    const third = await RunUsers.claim(50_000, 4, systemRandom);
    expect(third.firstUid).toBe(first.firstUid);
    second.release();
    third.release();
  });

  it("are new for each process, and none that a process still has, round and round and over a restart", async () => {
    const users = await RunUsers.claim(52_000, 4, systemRandom);
    const { firstUid, lastUid, databaseGroup, installer } = users;
    const stays = users.next(3).uid;
    const seen = Array.from({ length: 3 * (lastUid - firstUid) }, (_, turn) => users.next(turn % 3).uid);
    expect(seen).not.toContain(stays);
    expect(seen).not.toContain(databaseGroup);
    expect(seen).not.toContain(installer);
    const round = lastUid - firstUid - 2;
    expect(new Set(seen)).toHaveProperty("size", round);
    for (let turn = round; turn < seen.length; turn += 1) expect(seen[turn]).toBe(seen[turn - round]);
    users.release();

    const again = await RunUsers.claim(52_000, 4, systemRandom);
    expect(again.firstUid).toBe(firstUid);
    const before = seen.slice(-100);
    for (let turn = 0; turn < 100; turn += 1) expect(before).not.toContain(again.next(turn % 4).uid);
    again.release();
  });

  it("come from ids that are nobody's where the machine has them, and there is a new one for a million runs", async () => {
    const [firstUid = 0] = firstUids;
    expect(await firstUserOf(undefined)).toBe(firstUid);
    const users = await RunUsers.claim(firstUid, 4, systemRandom);
    expect(users.lastUid - users.firstUid).toBeGreaterThan(1_000_000);
    users.release();
  });

  it("and all that runs as one of them ends at once, though it forks on and on", async () => {
    const uid = 50_100;
    const chain = "import os\nwhile True:\n    if os.fork(): os._exit(0)\n";
    const { command } = await findPython({ searchPath: process.env.PATH, othersMustReach: true });
    spawn(command, ["-I", "-c", chain], { uid, gid: uid, stdio: "ignore", cwd: "/" });
    const alive = () => readdirSync("/proc").filter((pid) => /^\d+$/.test(pid) && ownerOf(`/proc/${pid}`) === uid);
    await eventually(() => alive().length > 0);
    const launcher = await startLauncher();
    await killAllOfUser(launcher, { uid, gid: uid });
    await launcher.close();
    // What was killed is there until it has been collected.
    await eventually(() => alive().length === 0);
    // A chain that lives is seen in one of so many looks.
    for (let look = 0; look < 50; look += 1) expect(alive()).toEqual([]);
  });

  it("are refused past the last one, with a reason", async () => {
    await expect(RunUsers.claim(65_530, 8, systemRandom)).rejects.toMatchObject({ code: "unavailable" });
  });
});

describe("S3: what start-up says of isolation", () => {
  it("names the means, or says plainly that there is none", () => {
    expect(describeIsolation({ kind: "own-user", firstUid: 61_000, lastUid: 61_003 }).text).toContain("61000 to 61003");
    expect(describeIsolation({ kind: "landlock", abi: 7, python: "/usr/bin/python3" })).toMatchObject({
      isolated: true,
    });
    const none = describeIsolation({ kind: "none", reason: "switched off", fix: "Switch it on." });
    expect(none.isolated).toBe(false);
    expect(none.text).toMatch(/NOT isolated.*switched off.*Switch it on/);
  });
});

describe("S3: a Landlock command", () => {
  it("grants no system path that the data directory lies in", () => {
    const paths = {
      hidden: "/opt/fx/data",
      read: ["/opt/fx/data/run/versions/v1"],
      write: ["/opt/fx/data/run/scratch"],
    };
    const rules = JSON.parse(landlockCommand("/usr/bin/python3", paths, "/usr/bin/node", ["x"]).args[4] as string);
    expect(rules.read).not.toContain("/opt");
    expect(rules.read).toContain("/usr");
    // Processes of the same user keep there what is not the script's.
    expect(rules.read).not.toContain("/dev/shm");
    expect(rules.read).toContain("/opt/fx/data/run/versions/v1");
    expect(rules.write).toEqual(["/opt/fx/data/run/scratch"]);
  });
});

describe.skipIf(process.getuid?.() !== 0)("S3: a program limited by a Landlock command", () => {
  it("changes limits and priority of no process but its own, which it otherwise could of all of its user", async () => {
    const user = { uid: 50_200, gid: 50_200 };
    const { command } = await findPython({ searchPath: process.env.PATH, othersMustReach: true });
    const victim = spawn("/bin/sleep", ["600"], { ...user, stdio: "ignore", cwd: "/", detached: true });
    const run = (program: { command: string; args: string[] }) =>
      execFileSync(program.command, program.args, { ...user, cwd: "/", encoding: "utf8" });
    const limited = (pid: number) =>
      run(landlockCommand(command, { hidden: "/root", read: [], write: [] }, command, ["-c", processChanges(pid)]));
    try {
      const pid = victim.pid as number;
      expect(limited(pid)).toBe("\n");
      expect(limited(0)).toBe(ownChanges);
      expect(run({ command, args: ["-c", processChanges(pid)] })).toBe(allChanges);
    } finally {
      victim.kill("SIGKILL");
    }
  });
});

describe.skipIf(process.getuid?.() !== 0)("S3: what all processes of a user share and no path leads to", () => {
  it("is not there for a program limited by a Landlock command", async () => {
    const user = { uid: 50_300, gid: 50_300 };
    const { command } = await findPython({ searchPath: "", othersMustReach: true });
    // As a program of the same user leaves it, and takes it away.
    const share = `import ctypes, errno, os, sys
libc = ctypes.CDLL(None, use_errno=True)
add_key, keyctl = {"x86_64": (248, 250), "aarch64": (217, 219)}[os.uname().machine]
ways = {
    "memory": lambda: libc.shmget(0x5f3a, 4096, 0o1600),
    "semaphores": lambda: libc.semget(0x5f3a, 1, 0o1600),
    "queue": lambda: libc.msgget(0x5f3a, 0o1600),
    "queue by name": lambda: libc.syscall({"x86_64": 240, "aarch64": 180}[os.uname().machine], b"fx-test", os.O_CREAT | os.O_RDWR, 0o600, None),
    "key": lambda: libc.syscall(add_key, b"user", b"fx-test", b"x", 1, -4),
    "keys": lambda: libc.syscall(keyctl, 0, -4, 0),
}
for way, use in ways.items():
    print(way, "shared" if use() >= 0 else errno.errorcode[ctypes.get_errno()])
libc.shmctl(libc.shmget(0x5f3a, 0, 0), 0, None)
libc.semctl(libc.semget(0x5f3a, 0, 0), 0, 0)
libc.msgctl(libc.msgget(0x5f3a, 0), 0, None)
libc.syscall({"x86_64": 241, "aarch64": 181}[os.uname().machine], b"fx-test")`;
    const run = (program: { command: string; args: string[] }) =>
      execFileSync(program.command, program.args, { ...user, cwd: "/", encoding: "utf8" });
    const printed = (end: string) =>
      ["memory", "semaphores", "queue", "queue by name", "key", "keys"].map((way) => `${way} ${end}\n`).join("");
    expect(run({ command, args: ["-c", share] })).toBe(printed("shared"));
    const limited = landlockCommand(command, { hidden: "/root", read: [], write: [] }, command, ["-c", share]);
    expect(run(limited)).toBe(printed("ENOSYS"));
  });
});

describe("the run root", () => {
  it("lies in a data directory that others may pass through, and lists nothing to them", async () => {
    const data = tempDir();
    chmodSync(data, 0o711);
    const root = await RunRoot.open({ dataDirectory: data, othersMustReach: true });
    expect(root.path).toBe(join(data, "run"));
    expect(statSync(root.path).mode & 0o777).toBe(0o711);
    expect(await isReachable(root.versionDirectory("." as VersionId), "traverse")).toBe(true);
  });

  it("lies elsewhere when they may not, and is gone when it is closed", async () => {
    const data = tempDir();
    chmodSync(data, 0o700);
    const root = await RunRoot.open({ dataDirectory: data, othersMustReach: true });
    expect(root.path.startsWith(data)).toBe(false);
    expect(await isReachable(root.path, "traverse")).toBe(true);
    await root.close();
    expect(existsSync(root.path)).toBe(false);
  });

  it("is refused where others cannot get to it, or where it is somebody's link", async () => {
    const closed = tempDir();
    chmodSync(closed, 0o700);
    const path = join(closed, "run");
    await expect(RunRoot.open({ dataDirectory: closed, path, othersMustReach: true })).rejects.toMatchObject({
      code: "invalid-input",
    });
    const link = join(closed, "link");
    symlinkSync("/etc", link);
    await expect(RunRoot.open({ dataDirectory: closed, path: link, othersMustReach: false })).rejects.toMatchObject({
      code: "conflict",
    });
  });

  it("holds an interpreter that scripts could not reach where it is", async () => {
    const data = tempDir();
    chmodSync(data, 0o711);
    const root = await RunRoot.open({ dataDirectory: data, othersMustReach: true });
    const closed = join(data, "closed");
    mkdirSync(closed, { mode: 0o700 });
    copyFileSync("/bin/true", join(closed, "true"));
    const reachable = await root.reachableExecutable(join(closed, "true"));
    expect(await isReachable(reachable, "execute")).toBe(true);
    expect(await root.reachableExecutable(join(closed, "true"))).toBe(reachable);
    expect(await root.reachableExecutable("/bin/true")).toBe("/bin/true");
  });
});

describe("S4: where databases of SQL scripts lie", () => {
  it("is the data directory, or one that stays where the scripts' users cannot get into that", async () => {
    const dataDirectory = tempDir();
    chmodSync(dataDirectory, 0o711);
    const inside = await DatabaseArea.choose({ dataDirectory, path: undefined, group: 61_004 });
    expect(inside.directoryOf("shop")).toBe(join(dataDirectory, "sql", "shop"));
    chmodSync(dataDirectory, 0o700);
    const outside = await DatabaseArea.choose({ dataDirectory, path: undefined, group: 61_004 });
    expect(outside.path).toMatch(/^\/var\/lib\/streamzero-fx\/sql-/);
    const alone = await DatabaseArea.choose({ dataDirectory, path: undefined, group: undefined });
    expect(alone.path).toBe(join(dataDirectory, "sql"));
  });

  it("is refused where SQL steps could not get there, naming the setting", async () => {
    const closed = tempDir();
    chmodSync(closed, 0o700);
    const area = await DatabaseArea.choose({ dataDirectory: closed, path: join(closed, "sql"), group: 61_004 });
    await expect(area.lay("shop")).rejects.toMatchObject({
      code: "invalid-input",
      message: expect.stringContaining("executor.sqlDirectory"),
    });
  });
});

function ownerOf(path: string): number | undefined {
  try {
    return statSync(path).uid;
  } catch {
    return undefined;
  }
}
