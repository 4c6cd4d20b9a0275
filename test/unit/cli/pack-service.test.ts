import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { gunzipSync } from "node:zlib";
import tar from "tar-stream";
import { expect, test } from "vitest";
import { packService } from "../../../src/cli/deploy/pack-service.ts";
import { tempDir } from "../../support/temp-dir.ts";

function directoryOf(files: Record<string, string>): string {
  const root = tempDir();
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), content);
  }
  return root;
}

async function namesIn(archive: Uint8Array): Promise<string[]> {
  const names: string[] = [];
  const extract = tar.extract();
  extract.end(gunzipSync(archive));
  for await (const entry of extract) {
    names.push(entry.header.name);
    entry.resume();
  }
  return names;
}

test("a service is packed with its sub-folders and without what tools leave behind", async () => {
  const root = directoryOf({
    "main.py": "",
    "lib/deep/module.py": "",
    "data.csv": "1,2",
    "node_modules/x/index.js": "",
    "lib/__pycache__/module.cpython-311.pyc": "",
    "lib/old.pyc": "",
    ".git/HEAD": "",
    ".venv/bin/python": "",
  });
  const packed = await packService(root);
  expect(await namesIn(packed.archive)).toEqual(["data.csv", "lib/deep/module.py", "main.py"]);
  expect(packed).toMatchObject({ fileCount: 3, sizeBytes: 3, warnings: [] });
});

test(".fxignore keeps names, globs, places and directories back", async () => {
  const root = directoryOf({
    ".fxignore": "# notes stay here\n*.md\n/data/raw\ncache/\nsecret.txt\n",
    "main.py": "",
    "README.md": "",
    "sub/notes.md": "",
    "data/raw/big.bin": "",
    "sub/data/raw/kept.bin": "",
    "sub/cache/x": "",
    "sub/cached": "",
    "deep/er/secret.txt": "",
  });
  const { archive } = await packService(root);
  expect(await namesIn(archive)).toEqual(["main.py", "sub/cached", "sub/data/raw/kept.bin"]);
});

test(".fxignore refuses what it cannot do, with file and line", async () => {
  const root = directoryOf({ ".fxignore": "*.md\n!README.md\n", "main.py": "" });
  await expect(packService(root)).rejects.toThrow(/\.fxignore:2: "!README\.md"/);
});

test("the same files give the same archive, whatever their times are", async () => {
  const files = { "main.py": "print(1)", "a/b.py": "" };
  const [one, other] = [await packService(directoryOf(files)), await packService(directoryOf(files))];
  expect(Buffer.compare(one.archive, other.archive)).toBe(0);
});

test("a link is left out, and said so", async () => {
  const root = directoryOf({ "main.py": "" });
  symlinkSync("/etc/passwd", join(root, "passwords.txt"));
  const packed = await packService(root);
  expect(await namesIn(packed.archive)).toEqual(["main.py"]);
  expect(packed.warnings).toEqual([expect.stringContaining("passwords.txt is left out")]);
});

test("more than 5,000 files are refused before anything is sent", async () => {
  const root = directoryOf(Object.fromEntries(Array.from({ length: 5001 }, (_, n) => [`file-${n}.txt`, ""])));
  await expect(packService(root)).rejects.toMatchObject({
    exit: "refused",
    why: expect.stringContaining("5001 files"),
  });
});
