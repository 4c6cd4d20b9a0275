import { editorSchema, editorSchemaNames } from "../../services/editor-schemas.ts";

export const languages = ["python", "typescript"] as const;
export type Language = (typeof languages)[number];

/** Files of a new service that runs, is checked by editors, and has a test; by path. */
export function serviceFiles(name: string, language: Language): Record<string, string> {
  const { script, code, test, run } = languageFiles[language];
  return {
    "manifest.json": json({
      $schema: "./.schemas/manifest.schema.json",
      description: "Greets whoever an event names.",
      entrypoint: script,
      trigger_events: [`${name}.asked`],
    }),
    "parameters.json": json({
      $schema: "./.schemas/parameters.schema.json",
      fields: [{ type: "text", name: "name", label: "Who is greeted", default: "World" }],
    }),
    "config.json": json({ greeting: "Hello" }),
    "event.json": json({
      specversion: "1.0",
      id: "try-1",
      source: "/try",
      type: `${name}.asked`,
      data: { name: "Ada" },
    }),
    [script]: code.replaceAll("SERVICE", name),
    [test]: testFiles[language].replaceAll("SERVICE", name),
    ".fxignore": ["# What stays behind when the service is deployed.", ".schemas/", "event.json", test, ""].join("\n"),
    ".gitignore": ["# A developer's own values, secrets among them.", "ef_env.json", "ef_package_state.json", ""].join(
      "\n",
    ),
    "README.md": readme(name, run),
    ...Object.fromEntries(editorSchemaNames.map((each) => [`.schemas/${each}.schema.json`, json(editorSchema(each))])),
  };
}

const languageFiles: Record<Language, { script: string; test: string; code: string; run: string }> = {
  python: {
    script: "main.py",
    test: "test_main.py",
    run: "python3 -m unittest",
    code: `from fx_ef import context

name = context.params.get("name", "World")
greeting = context.config.get("greeting", "Hello")

print(f"{greeting}, {name}!")
context.events.send("SERVICE.greeted", {"name": name})
`,
  },
  typescript: {
    script: "main.ts",
    test: "main.test.ts",
    run: "node --test",
    code: `import { context } from "@streamzero/fx";

const name = context.params.get("name", "World");
const greeting = context.config.get("greeting", "Hello");

console.log(\`\${greeting}, \${name}!\`);
await context.events.send("SERVICE.greeted", { name });
`,
  },
};

/** Both run the service as it will run, by \`fx try\`. FX names another command than npx fx. */
const testFiles: Record<Language, string> = {
  python: `"""Runs the service as the platform will: python3 -m unittest"""
import json
import os
import pathlib
import subprocess
import unittest

FX = os.environ.get("FX", "npx fx").split()
HERE = pathlib.Path(__file__).parent


def attempt(data):
    command = [*FX, "try", str(HERE), "--data", json.dumps(data), "--json"]
    return json.loads(subprocess.run(command, stdout=subprocess.PIPE, text=True).stdout)


class Service(unittest.TestCase):
    def test_greets_who_is_named_and_tells_of_it(self):
        run = attempt({"name": "Ada"})
        self.assertEqual(run["status"], "completed")
        self.assertEqual(run["steps"][0]["output"], "Hello, Ada!\\n")
        self.assertEqual([(event["type"], event["data"]) for event in run["emitted"]], [("SERVICE.greeted", {"name": "Ada"})])


if __name__ == "__main__":
    unittest.main()
`,
  typescript: `// Runs the service as the platform will: node --test
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { test } from "node:test";

const [command = "npx", ...words] = (process.env.FX ?? "npx fx").split(" ");

function attempt(data: unknown) {
  const given = [...words, "try", import.meta.dirname, "--data", JSON.stringify(data), "--json"];
  return JSON.parse(spawnSync(command, given, { encoding: "utf8" }).stdout);
}

test("greets who is named, and tells of it", () => {
  const run = attempt({ name: "Ada" });
  assert.equal(run.status, "completed");
  assert.equal(run.steps[0].output, "Hello, Ada!\\n");
  const told = run.emitted.map(({ type, data }: { type: string; data: unknown }) => ({ type, data }));
  assert.deepEqual(told, [{ type: "SERVICE.greeted", data: { name: "Ada" } }]);
});
`,
};

function readme(name: string, run: string): string {
  return `# ${name}

Greets whoever the event \`${name}.asked\` names, and sends \`${name}.greeted\`.

| | |
|---|---|
| \`fx try .\` | runs it here, with the event in event.json, and needs no platform |
| \`${run}\` | its test |
| \`fx deploy .\` | makes it part of a running platform |
| \`fx send ${name}.asked --data '{"name": "Ada"}' --wait\` | starts it there |
`;
}

function json(value: unknown): string {
  return `${JSON.stringify(value, undefined, 2)}\n`;
}
