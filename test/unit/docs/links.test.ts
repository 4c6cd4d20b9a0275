import { existsSync, globSync, readFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, test } from "vitest";

const root = path.resolve(import.meta.dirname, "../../..");
const ownFolders = ["src", "sdk", "test", "bench", "examples", "docs", "scripts", "bin"];

const documents = globSync("**/*.md", {
  cwd: root,
  exclude: (name) => /(^|\/)(node_modules|fixtures|results|\.[^/]+)$/.test(name),
});

describe("documents", () => {
  test("are found", () => {
    expect(documents).toContain("ARCHITECTURE.md");
    expect(documents.length).toBeGreaterThan(10);
  });

  test.each(documents)("%s links to files that exist", (document) => {
    const missing = linksIn(read(document)).filter(
      (target) => !existsSync(path.resolve(root, path.dirname(document), target)),
    );
    expect(missing).toEqual([]);
  });

  test.each(documents)("%s names files and folders that exist", (document) => {
    expect(pathsIn(read(document)).filter((name) => !existsSync(path.join(root, name)))).toEqual([]);
  });

  test.each(documents)("%s names commands that package.json has", (document) => {
    const { scripts } = JSON.parse(read("package.json")) as { scripts: Record<string, string> };
    const named = [...read(document).matchAll(/npm run (?:--silent )?([a-z0-9:-]+)/g)].map(([, name]) => name ?? "");
    expect(named.filter((name) => !(name in scripts))).toEqual([]);
  });
});

function read(name: string): string {
  return readFileSync(path.join(root, name), "utf8");
}

/** Targets of relative links, without their fragment. */
function linksIn(text: string): string[] {
  return [...text.matchAll(/\]\(([^)\s]+)\)/g)]
    .map(([, target]) => target ?? "")
    .filter((target) => !/^([a-z]+:|#)/.test(target))
    .map((target) => target.replace(/#.*$/, ""));
}

/** Paths in code spans that begin with a folder of ours; patterns such as `src/<port>` are none. */
function pathsIn(text: string): string[] {
  return [...text.matchAll(/`([\w.-]+(?:\/[\w.-]+)+\/?)`/g)]
    .map(([, name]) => name ?? "")
    .filter((name) => ownFolders.includes(name.split("/")[0] ?? ""));
}
