import { chmodSync, chownSync, existsSync, mkdirSync, readdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { LeftFiles } from "../../../src/executor/left-files.ts";
import { ManualClock } from "../../support/manual-clock.ts";
import { tempDir } from "../../support/temp-dir.ts";

const one = { uid: 50_401, gid: 50_401 };
const other = { uid: 50_402, gid: 50_402 };

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

describe.skipIf(process.getuid?.() !== 0)("S3: files that a process has left where every user may write", () => {
  it("are removed when it is gone, and those of another when that one is", async () => {
    const place = openPlace();
    const left = new LeftFiles(new ManualClock(Date.now()), [place, join(place, "is-not-there")]);
    write(place, "a", one);
    write(place, "b", other);
    await left.remove(one);
    expect(readdirSync(place)).toEqual(["b"]);
    await left.remove(other);
    expect(readdirSync(place)).toEqual([]);
  });

  it("are found again where nothing has changed since a look that had found them another's", async () => {
    const place = openPlace();
    const clock = new ManualClock(Date.now());
    const left = new LeftFiles(clock, [place]);
    write(place, "b", other);
    clock.advance(60_000);
    await left.remove(one);
    await left.remove(one);
    await left.remove(other);
    expect(readdirSync(place)).toEqual([]);
  });

  it("are removed with all that lies in them, and nothing that they lead to", async () => {
    const place = openPlace();
    const kept = write(place, "kept", other);
    const directory = join(place, "d");
    mkdirSync(join(directory, "deep"), { recursive: true });
    symlinkSync(kept, join(directory, "link"));
    write(directory, "file", one);
    for (const path of [join(directory, "deep"), directory]) chownSync(path, one.uid, one.gid);
    await new LeftFiles(new ManualClock(Date.now()), [place]).remove(one);
    expect(existsSync(directory)).toBe(false);
    expect(existsSync(kept)).toBe(true);
  });
});
