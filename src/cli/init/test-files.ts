import type { Language } from "./languages.ts";

export interface TestFile {
  path: string;
  /** The command that runs it. */
  run: string;
  text: string;
}

/**
 * The test of a new service, which runs it as it will run, by `fx try`. It finds the `fx` that it needs by the name of the package
 * that the program belongs to, and starts none that is another's: on npm the name `fx` is.
 */
export function testFile(name: string, language: Language, program: string): TestFile {
  const { path, run, text } = testFiles[language];
  const filled = text.replaceAll("SERVICE", name).replaceAll('"PROGRAM"', JSON.stringify(program));
  return { path, run, text: filled };
}

const testFiles: Record<Language, TestFile> = {
  python: {
    path: "test_main.py",
    run: "python3 -m unittest",
    text: `"""Runs the service as the platform will: python3 -m unittest"""
import json
import os
import pathlib
import subprocess
import unittest

HERE = pathlib.Path(__file__).resolve().parent


def fx():
    """The command: what FX says, else the fx of a project around, on PATH, or the one that made this file."""
    if os.environ.get("FX"):
        return os.environ["FX"].split()
    around = [path for parent in HERE.parents for path in (parent / "node_modules/.bin/fx", parent / "bin/fx.mjs")]
    on_path = [pathlib.Path(folder) / "fx" for folder in os.environ.get("PATH", "").split(os.pathsep) if folder]
    for path in [*around, *on_path, pathlib.Path("PROGRAM")]:
        if is_ours(path):
            return ["node", str(path.resolve())]
    raise AssertionError("there is no fx of StreamZero FX: npm install --save-dev <its directory>, or FX=<directory>/bin/fx.mjs")


def is_ours(path):
    """Other packages have a program of that name too."""
    try:
        package = json.loads((path.resolve().parent.parent / "package.json").read_text())
        return path.is_file() and package.get("name") == "streamzero-fx"
    except (OSError, ValueError):
        return False


def attempt(data):
    command = [*fx(), "try", str(HERE), "--data", json.dumps(data), "--json"]
    run = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    if not run.stdout:
        raise AssertionError(f"{' '.join(command)} ended with {run.returncode}: {run.stderr}")
    return json.loads(run.stdout)


class Service(unittest.TestCase):
    def test_greets_who_is_named_and_tells_of_it(self):
        run = attempt({"name": "Ada"})
        self.assertEqual(run["status"], "completed")
        self.assertEqual(run["steps"][0]["output"], "Hello, Ada!\\n")
        self.assertEqual([(event["type"], event["data"]) for event in run["emitted"]], [("SERVICE.greeted", {"name": "Ada"})])


if __name__ == "__main__":
    unittest.main()
`,
  },
  typescript: {
    // No TypeScript: a Node that cannot run that would find no test, and call it a success.
    path: "main.test.mjs",
    run: "node --test",
    text: `// Runs the service as the platform will: node --test, with any Node from 20 on. fx brings the Node that the service needs.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readFileSync, realpathSync } from "node:fs";
import { delimiter, dirname, join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));

/** The command: what FX says, else the fx of a project around, on PATH, or the one that made this file. */
function fx() {
  if (process.env.FX) return process.env.FX.split(" ");
  const parents = [];
  for (let folder = here; folder !== dirname(folder); folder = dirname(folder)) parents.push(dirname(folder));
  const around = parents.flatMap((folder) => [join(folder, "node_modules/.bin/fx"), join(folder, "bin/fx.mjs")]);
  const onPath = (process.env.PATH ?? "").split(delimiter).filter(Boolean).map((folder) => join(folder, "fx"));
  const found = [...around, ...onPath, "PROGRAM"].find(isOurs);
  assert.ok(found, "there is no fx of StreamZero FX: npm install --save-dev <its directory>, or FX=<directory>/bin/fx.mjs");
  return [process.execPath, realpathSync(found)];
}

/** Other packages have a program of that name too. */
function isOurs(path) {
  try {
    const manifest = join(dirname(dirname(realpathSync(path))), "package.json");
    return JSON.parse(readFileSync(manifest, "utf8")).name === "streamzero-fx";
  } catch {
    return false;
  }
}

function attempt(data) {
  const [command, ...words] = [...fx(), "try", here, "--data", JSON.stringify(data), "--json"];
  const { stdout, stderr, status, error } = spawnSync(command, words, { encoding: "utf8" });
  assert.ok(stdout, \`\${[command, ...words].join(" ")} ended with \${status}: \${error?.message ?? stderr}\`);
  return JSON.parse(stdout);
}

test("greets who is named, and tells of it", () => {
  const run = attempt({ name: "Ada" });
  assert.equal(run.status, "completed");
  assert.equal(run.steps[0].output, "Hello, Ada!\\n");
  const told = run.emitted.map(({ type, data }) => ({ type, data }));
  assert.deepEqual(told, [{ type: "SERVICE.greeted", data: { name: "Ada" } }]);
});
`,
  },
};
