import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { chooseNode } from "../../../scripts/setup/choose-node.mjs";
import { minimumNodeMajor, nodeReleases, pinnedNode } from "../../../scripts/setup/node-releases.mjs";
import { tempDir } from "../../support/temp-dir.ts";

const execPath = "/somewhere/bin/node";

test("a running Node that is new enough is used as it is", () => {
  const node = chooseNode({ root: tempDir(), wanted: undefined, running: `${minimumNodeMajor}.0.0`, execPath });
  expect(node).toMatchObject({ path: execPath, inPlace: true });
});

test("an older Node is replaced by the pinned one, which is not in place in a fresh clone", () => {
  const root = tempDir();
  const node = chooseNode({ root, wanted: undefined, running: "20.20.2", execPath });
  expect(node).toMatchObject({ version: pinnedNode, path: join(root, ".tools", `node-${pinnedNode}`, "bin", "node") });
  expect(node.inPlace).toBe(false);
});

test("a Node brought before is found again", () => {
  const root = tempDir();
  const bin = join(root, ".tools", `node-${pinnedNode}`, "bin");
  mkdirSync(bin, { recursive: true });
  writeFileSync(join(bin, "node"), "");
  expect(chooseNode({ root, wanted: undefined, running: "20.20.2", execPath }).inPlace).toBe(true);
});

test("a Node asked for by version is used exactly, even where the running one is newer", () => {
  const root = tempDir();
  expect(chooseNode({ root, wanted: "24.21.0", running: "26.10.0", execPath }).path).toContain("node-24.21.0");
  expect(chooseNode({ root, wanted: "26.10.0", running: "26.10.0", execPath }).path).toBe(execPath);
});

test("every release that set-up may bring is new enough and pinned by a SHA-512", () => {
  expect(Object.keys(nodeReleases)).toContain(pinnedNode);
  for (const [version, packages] of Object.entries(nodeReleases)) {
    expect(Number(version.split(".")[0])).toBeGreaterThanOrEqual(minimumNodeMajor);
    for (const { integrity } of Object.values(packages)) expect(integrity).toMatch(/^sha512-[\w+/]{86}==$/);
  }
});
