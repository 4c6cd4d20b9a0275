import { execFileSync } from "node:child_process";
import { mkdirSync, renameSync, rmSync, statSync, symlinkSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { readStable } from "../../../src/adapters/watch/read-stable.ts";
import { type FoundFile, findFiles } from "../../../src/adapters/watch/stable-files.ts";
import { tempDir } from "../../support/temp-dir.ts";

async function found(directory: string): Promise<FoundFile> {
  const { files } = await findFiles(directory, 10);
  expect(files).toHaveLength(1);
  return files[0] as FoundFile;
}

/** A watched directory with the file `sub/order.txt`, and another directory with a file of that name, size and time. */
async function scene() {
  const inbox = tempDir();
  const secret = tempDir();
  mkdirSync(join(inbox, "sub"));
  for (const directory of [join(inbox, "sub"), secret]) {
    writeFileSync(join(directory, "order.txt"), directory === secret ? "secret" : "public");
    utimesSync(join(directory, "order.txt"), 1_000, 1_000);
  }
  return { inbox, secret, file: await found(inbox) };
}

describe("a file that was found is read only while it is that file", () => {
  test("and below its directory, also where the directory is named by a link", async () => {
    const { inbox, file } = await scene();
    const alias = join(tempDir(), "alias");
    symlinkSync(inbox, alias);
    for (const directory of [inbox, alias]) {
      expect(await readStable(directory, file, 100)).toMatchObject({ content: { text: "public" } });
    }
  });

  test("not through a directory that became a link, though the file there has its size and time", async () => {
    const { inbox, secret, file } = await scene();
    rmSync(join(inbox, "sub"), { recursive: true });
    symlinkSync(secret, join(inbox, "sub"));
    expect(await readStable(inbox, file, 100)).toBeUndefined();
  });

  test("nor when the directory was a link already while it was looked at", async () => {
    const { inbox, secret, file } = await scene();
    rmSync(join(inbox, "sub"), { recursive: true });
    symlinkSync(secret, join(inbox, "sub"));
    const { dev: device, ino: inode } = statSync(join(secret, "order.txt"));
    expect(await readStable(inbox, { ...file, device, inode }, 100)).toBeUndefined();
  });

  test("nor a file that took its place, with its size and time", async () => {
    const { inbox, secret, file } = await scene();
    renameSync(join(secret, "order.txt"), join(inbox, "sub", "order.txt"));
    expect(await readStable(inbox, file, 100)).toBeUndefined();
  });

  test("nor a pipe, for whose other end nobody waits", async () => {
    const { inbox, file } = await scene();
    rmSync(join(inbox, "sub", "order.txt"));
    execFileSync("mkfifo", [join(inbox, "sub", "order.txt")]);
    expect(await readStable(inbox, file, 100)).toBeUndefined();
  });
});
