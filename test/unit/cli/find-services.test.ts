import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { findServices } from "../../../src/cli/deploy/find-services.ts";
import { tempDir } from "../../support/temp-dir.ts";

function service(parent: string, name: string, file: string, content = ""): string {
  const path = join(parent, name);
  mkdirSync(path, { recursive: true });
  writeFileSync(join(path, file), content);
  return path;
}

test("a directory with a script is one service, named like the directory", () => {
  const path = service(tempDir(), "greet", "main.py");
  expect(findServices(path)).toEqual([{ name: "greet", path, isNamedByManifest: false }]);
});

test("a directory of such directories is many services, and what else lies there is none", () => {
  const root = tempDir();
  const second = service(root, "second", "run.ts");
  const first = service(root, "first", "manifest.json", "{}");
  service(root, "assets", "picture.svg");
  service(root, "node_modules", "index.js");
  writeFileSync(join(root, "README.md"), "");
  expect(findServices(root)).toEqual([
    { name: "first", path: first, isNamedByManifest: false },
    { name: "second", path: second, isNamedByManifest: false },
  ]);
});

test("the manifest's name wins over the directory's; a manifest that is no JSON leaves the directory's", () => {
  const root = tempDir();
  const named = service(root, "a", "manifest.json", '{"name": "other"}');
  const broken = service(root, "b", "manifest.json", "{");
  expect(findServices(root)).toEqual([
    { name: "other", path: named, isNamedByManifest: true },
    { name: "b", path: broken, isNamedByManifest: false },
  ]);
});

test("what is no service is refused as a wrong command line", () => {
  const root = tempDir();
  writeFileSync(join(root, "notes.txt"), "");
  expect(() => findServices(root)).toThrow(expect.objectContaining({ exit: "usage" }));
  expect(() => findServices(join(root, "notes.txt"))).toThrow(/is a file/);
  expect(() => findServices(join(root, "missing"))).toThrow(/no directory/);
});

test("a directory that holds no script is refused with all endings that are scripts", () => {
  const path = service(tempDir(), "empty", "notes.txt");
  expect(() => findServices(path)).toThrow("(.py .js .mjs .cjs .ts .mts .cts .sql .sh)");
});
