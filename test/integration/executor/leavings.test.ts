import { execFileSync } from "node:child_process";
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { LauncherClient } from "../../../src/executor/launcher/launcher-client.ts";
import { Leavings } from "../../../src/executor/leavings/leavings.ts";
import { silentLog } from "../../../src/foundation/log.ts";
import { ManualClock } from "../../support/manual-clock.ts";
import { tempDir } from "../../support/temp-dir.ts";
import { startLauncher } from "../runtimes/script-runs.ts";

/** Nobody else's, and in no range that another test takes: what runs as one of that is killed. */
const one = { uid: 50_621, gid: 50_621 };
const other = { uid: 50_622, gid: 50_622 };

describe.skipIf(process.getuid?.() !== 0)("S3: what a process has left where every user may write", () => {
  let launcher: LauncherClient;
  beforeAll(async () => {
    launcher = await startLauncher();
  });
  afterAll(() => launcher.close());

  /** Open to every user, as /tmp is. */
  function openPlace(): string {
    const place = tempDir();
    chmodSync(place, 0o1777);
    return place;
  }

  function write(place: string, name: string, { uid, gid }: typeof one): string {
    const path = join(place, name);
    writeFileSync(path, "");
    chownSync(path, uid, gid);
    return path;
  }

  const leavingsIn = (place: string, clock = new ManualClock(Date.now())) =>
    new Leavings({ launcher, clock, log: silentLog, places: [place, join(place, "is-not-there")] });

  it("is removed when it is gone, and what another has left when that is", async () => {
    const place = openPlace();
    const leavings = leavingsIn(place);
    write(place, "a", one);
    write(place, "b", other);
    await leavings.removeOf(one);
    expect(readdirSync(place)).toEqual(["b"]);
    await leavings.removeOf(other);
    expect(readdirSync(place)).toEqual([]);
  });

  it("is found again where nothing has changed since a look that had found it another's", async () => {
    const place = openPlace();
    const clock = new ManualClock(Date.now());
    const leavings = leavingsIn(place, clock);
    write(place, "b", other);
    clock.advance(60_000);
    await leavings.removeOf(one);
    await leavings.removeOf(one);
    await leavings.removeOf(other);
    expect(readdirSync(place)).toEqual([]);
  });

  it("is removed with all that lies in it, closed directories as well, and nothing that it leads to", async () => {
    const place = openPlace();
    const kept = write(place, "kept", other);
    const directory = join(place, "d");
    const deep = join(directory, "deep");
    mkdirSync(deep, { recursive: true });
    symlinkSync(kept, join(deep, "link"));
    write(deep, "file", one);
    for (const path of [deep, directory]) {
      chownSync(path, one.uid, one.gid);
      chmodSync(path, 0);
    }
    await leavingsIn(place).removeOf(one);
    expect(readdirSync(place)).toEqual(["kept"]);
    expect(existsSync(kept)).toBe(true);
  });

  it("is found among thousands of others", async () => {
    const place = openPlace();
    for (let n = 0; n < 2_500; n += 1) writeFileSync(join(place, `other-${n}`), "");
    for (let n = 0; n < 600; n += 1) mkdirSync(join(place, `own-${n}`));
    for (let n = 0; n < 600; n += 1) chownSync(join(place, `own-${n}`), one.uid, one.gid);
    await leavingsIn(place).removeOf(one);
    expect(readdirSync(place)).toHaveLength(2_500);
  });

  it("is given back where it is memory of System V", async () => {
    const share = `import ctypes
libc = ctypes.CDLL(None)
print(libc.shmget(0, 4096, 0o1600), libc.semget(0, 1, 0o1600), libc.msgget(0, 0o1600))`;
    const asUser = (user: typeof one) =>
      execFileSync("/usr/bin/python3", ["-I", "-c", share], { ...user, cwd: "/", encoding: "utf8" });
    expect([asUser(one), asUser(other)].join("")).not.toContain("-1");
    const owners = () =>
      ["shm", "sem", "msg"].map((kind) =>
        [one, other].map(({ uid }) => readFileSync(`/proc/sysvipc/${kind}`, "utf8").includes(` ${uid} `)),
      );
    expect(owners()).toEqual(Array(3).fill([true, true]));
    const leavings = leavingsIn(openPlace());
    await leavings.removeOf(one);
    expect(owners()).toEqual(Array(3).fill([false, true]));
    await leavings.removeOf(other);
    expect(owners()).toEqual(Array(3).fill([false, false]));
  });

  it("is removed of all whose platform has ended, and of nobody else", async () => {
    const place = openPlace();
    write(place, "a", one);
    mkdirSync(join(place, "d"));
    chownSync(join(place, "d"), one.uid, one.gid);
    write(place, "b", other);
    writeFileSync(join(place, "root's"), "");
    await leavingsIn(place).removeOfAll((uid) => uid === one.uid);
    expect(readdirSync(place).sort()).toEqual(["b", "root's"]);
  });
});
