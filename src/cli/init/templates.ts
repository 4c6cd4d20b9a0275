import { editorSchema, editorSchemaNames } from "../../services/editor-schemas.ts";
import type { Language } from "./languages.ts";
import { testFile } from "./test-files.ts";

/** Files of a new service that runs, is checked by editors, and has a test; by path. `program`: the fx that makes it. */
export function serviceFiles(name: string, language: Language, program: string): Record<string, string> {
  const { script, code } = languageFiles[language];
  const test = testFile(name, language, program);
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
    [test.path]: test.text,
    ".fxignore": ["# What stays behind when the service is deployed.", ".schemas/", "event.json", test.path, ""].join(
      "\n",
    ),
    ".gitignore": ["# A developer's own values, secrets among them.", "ef_env.json", "ef_package_state.json", ""].join(
      "\n",
    ),
    "README.md": readme(name, test.run),
    ...Object.fromEntries(editorSchemaNames.map((each) => [`.schemas/${each}.schema.json`, json(editorSchema(each))])),
  };
}

const languageFiles: Record<Language, { script: string; code: string }> = {
  python: {
    script: "main.py",
    code: `from fx_ef import context

name = context.params.get("name", "World")
greeting = context.config.get("greeting", "Hello")

print(f"{greeting}, {name}!")
context.events.send("SERVICE.greeted", {"name": name})
`,
  },
  typescript: {
    script: "main.ts",
    code: `import { context } from "@streamzero/fx";

const name = context.params.get("name", "World");
const greeting = context.config.get("greeting", "Hello");

console.log(\`\${greeting}, \${name}!\`);
await context.events.send("SERVICE.greeted", { name });
`,
  },
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
