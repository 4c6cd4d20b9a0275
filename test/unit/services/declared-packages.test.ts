import { describe, expect, it } from "vitest";
import {
  declaredNodePackages,
  declaredPythonPackages,
  requirementLines,
} from "../../../src/services/declared-packages.ts";
import type { ServiceSource } from "../../../src/services/service-source.ts";

function sourceOf(texts: Record<string, string>): ServiceSource {
  return {
    files: Object.keys(texts).map((path) => ({ path, hash: `hash of ${path}` })),
    read: async (path) => Buffer.from(texts[path] as string),
  };
}

async function pythonFiles(requirements: string): Promise<string[] | undefined> {
  const source = sourceOf({
    "requirements.txt": requirements,
    "main.py": "",
    "more/first.txt": "-r second.txt",
    "more/second.txt": "a",
    "wheels/a.whl": "",
    "own/pyproject.toml": "",
    "own/src/own.py": "",
  });
  return (await declaredPythonPackages(source))?.files.map(({ path }) => path);
}

async function nodeFiles(description: string, more: Record<string, string> = {}): Promise<string[] | undefined> {
  const source = sourceOf({ "package.json": description, "main.js": "", ...more });
  return (await declaredNodePackages(source))?.files.map(({ path }) => path);
}

describe("lines of requirements.txt", () => {
  it("keep their numbers; comments and empty lines are passed over, continued ones are one", () => {
    const text =
      "# first\nsix==1.16 # why\n\nnumpy \\\n  --hash=sha256:ab \\\n  --hash=sha256:cd\nurl @ https://h/x#egg=y\n";
    expect(requirementLines(text)).toEqual([
      { number: 2, text: "six==1.16" },
      { number: 4, text: "numpy --hash=sha256:ab --hash=sha256:cd" },
      { number: 7, text: "url @ https://h/x#egg=y" },
    ]);
  });
});

describe("what an environment depends on", () => {
  it("is requirements.txt alone where it names packages, so that services that ask for the same share one", async () => {
    expect(await pythonFiles("six\n--index-url https://h/simple\n")).toEqual(["requirements.txt"]);
    expect(await pythonFiles("six; python_version < '4'\n")).toEqual(["requirements.txt"]);
  });

  it.each([
    ["-r more/first.txt", ["more/first.txt", "more/second.txt"]],
    ["--constraint=more/second.txt", ["more/second.txt"]],
    ["./wheels/a.whl", ["wheels/a.whl"]],
    ["wheels/a.whl", ["wheels/a.whl"]],
    ["-e ./own[extra]", ["own/pyproject.toml", "own/src/own.py"]],
    ["own @ file:own", ["own/pyproject.toml", "own/src/own.py"]],
    ["--find-links wheels", ["wheels/a.whl"]],
    ["--find-links https://h/x", []],
  ])("is what requirements.txt leads to in the service: %s", async (line, led) => {
    expect(await pythonFiles(`six\n${line}\n`)).toEqual(["requirements.txt", ...led]);
  });

  it.each(["-e .", "-r gone.txt", "./gone", "../beside", "/elsewhere/a.whl", "a @ file:///elsewhere"])(
    "is every file of the service where only the tool knows what it reads: %s",
    async (line) => {
      expect(await pythonFiles(`six\n${line}\n`)).toHaveLength(7);
    },
  );

  it("is package.json with its lock and npm's settings, and the packages that lie in the service", async () => {
    const more = { "package-lock.json": "{}", ".npmrc": "" };
    expect(await nodeFiles(`{"dependencies":{"a":"^1"}}`, more)).toEqual([
      "package.json",
      "package-lock.json",
      ".npmrc",
    ]);
    const vendored = {
      "vendor/a/package.json": `{"dependencies":{"b":"file:../b"}}`,
      "vendor/a/index.js": "",
      "vendor/b/package.json": "{}",
      "vendor/c/package.json": "{}",
    };
    expect(await nodeFiles(`{"optionalDependencies":{"a":"file:./vendor/a"}}`, vendored)).toEqual([
      "package.json",
      "vendor/a/package.json",
      "vendor/a/index.js",
      "vendor/b/package.json",
    ]);
    expect(await nodeFiles(`{"dependencies":{"a":"file:gone.tgz"}}`)).toEqual(["package.json", "main.js"]);
  });

  it("is nothing where nothing is asked for at runs", async () => {
    expect(await pythonFiles("# none\n")).toBeUndefined();
    expect(await declaredPythonPackages(sourceOf({ "main.py": "" }))).toBeUndefined();
    expect(await nodeFiles(`{"type":"module","devDependencies":{"a":"1"}}`)).toBeUndefined();
    expect(await nodeFiles(`{"dependencies":{"a":"1"}}`, { "node_modules/a/index.js": "" })).toBeUndefined();
  });
});
