import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { lockHash, packagesInPlace, satisfiesLock, writeStamp } from "../../../scripts/setup/packages-in-place.mjs";
import { tempDir } from "../../support/temp-dir.ts";

interface Locked {
  version?: string;
  integrity?: string;
  optional?: boolean;
  link?: boolean;
}

const lock = (packages: Record<string, Locked>) => JSON.stringify({ lockfileVersion: 3, packages });

function clone(lockText: string): { root: string; nodeModules: string } {
  const root = tempDir();
  writeFileSync(join(root, "package-lock.json"), lockText);
  return { root, nodeModules: join(root, "node_modules") };
}

test("a fresh clone has no packages in place", () => {
  expect(packagesInPlace(clone(lock({})).root)).toBe(false);
});

test("stamped packages are in place until the lock changes", () => {
  const { root, nodeModules } = clone(lock({ "node_modules/a": { version: "1.0.0" } }));
  mkdirSync(nodeModules);
  writeStamp(nodeModules, lockHash(root));
  expect(packagesInPlace(root)).toBe(true);
  writeFileSync(join(root, "package-lock.json"), lock({ "node_modules/a": { version: "1.0.1" } }));
  expect(packagesInPlace(root)).toBe(false);
});

test("what a person installed with npm is recognised, and stamped for the next time", () => {
  const text = lock({ "": {}, "sdk/typescript": { version: "0.1.0" }, "node_modules/a": { version: "1.0.0" } });
  const { root, nodeModules } = clone(text);
  mkdirSync(nodeModules);
  writeFileSync(join(nodeModules, ".package-lock.json"), lock({ "node_modules/a": { version: "1.0.0" } }));
  expect(packagesInPlace(root)).toBe(true);
  writeFileSync(join(nodeModules, ".package-lock.json"), "no longer asked");
  expect(packagesInPlace(root)).toBe(true);
});

test("a node_modules without any record of its making is not trusted", () => {
  const { root, nodeModules } = clone(lock({}));
  mkdirSync(nodeModules);
  expect(packagesInPlace(root)).toBe(false);
});

test.each<[string, Record<string, Locked>, boolean]>([
  ["the same version", { "node_modules/a": { version: "1.0.0", integrity: "x" } }, true],
  ["one more than required", { "node_modules/a": { version: "1.0.0", integrity: "x" }, "node_modules/b": {} }, true],
  ["another version", { "node_modules/a": { version: "1.0.1", integrity: "x" } }, false],
  ["other contents", { "node_modules/a": { version: "1.0.0", integrity: "y" } }, false],
  ["nothing, as with development packages left out", {}, false],
])("installed is %s: satisfied is told by name, version and hash", (_, installed, satisfied) => {
  const required = lock({ "node_modules/a": { version: "1.0.0", integrity: "x" } });
  expect(satisfiesLock(required, lock(installed))).toBe(satisfied);
});

test("an optional package may be missing, since it may be for another machine, but not be another version", () => {
  const required = lock({ "node_modules/a": { version: "1.0.0", optional: true } });
  expect(satisfiesLock(required, lock({}))).toBe(true);
  expect(satisfiesLock(required, lock({ "node_modules/a": { version: "2.0.0" } }))).toBe(false);
});

test("a record cut short by a crash satisfies nothing", () => {
  expect(satisfiesLock(lock({}), '{"packages": {')).toBe(false);
});
