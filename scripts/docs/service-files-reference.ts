import { type EditorSchemaName, editorSchema } from "../../src/services/editor-schemas.ts";

interface Property {
  description?: string;
  default?: unknown;
  type?: string | string[];
  enum?: unknown[];
  anyOf?: Property[];
  items?: Property;
  properties?: Record<string, Property>;
  required?: string[];
}

/** `docs/reference/manifest.md`. */
export function manifestReference(): string {
  const { properties = {} } = schemaOf("manifest");
  return page("manifest.json", [
    "What a service says of itself. The file may be missing, and so may every key. An unknown key is a warning that names",
    "it; a wrong type refuses the deploy and says where. Editors check the file with",
    "[`docs/schemas/manifest.schema.json`](../schemas/manifest.schema.json); `npx fx init` lays it beside a new service.",
    "",
    ...table(properties),
    ...["retries", "throttle", "queue", "container"].flatMap((key) => [
      "",
      `## ${key}`,
      "",
      ...table(objectOf(properties[key])),
    ]),
  ]);
}

/** `docs/reference/parameters.md`. */
export function parametersReference(): string {
  const { properties = {} } = schemaOf("parameters");
  const field = properties.fields?.items?.properties ?? {};
  return page("parameters.json", [
    "The form of a run by hand. Its values become the trigger event's `data`; defaults are filled in, and a run whose values",
    "do not fit is refused with the place of each mistake. Editors check the file with",
    "[`docs/schemas/parameters.schema.json`](../schemas/parameters.schema.json).",
    "",
    ...table(properties),
    "",
    "## A field",
    "",
    ...table(field),
    "",
    "## A choice",
    "",
    ...table(field.choices?.items?.properties ?? {}),
  ]);
}

function page(title: string, lines: readonly string[]): string {
  const origin = "<!-- Made by `npm run docs` from the schemas in src/services; changes are made there. -->";
  return `${[`# ${title}`, "", origin, "", ...lines].join("\n")}\n`;
}

function schemaOf(name: EditorSchemaName): Property {
  return editorSchema(name) as Property;
}

function objectOf(property: Property | undefined): Record<string, Property> {
  const forms = property?.anyOf ?? [property];
  return forms.find((form) => form?.properties !== undefined)?.properties ?? {};
}

function table(properties: Record<string, Property>): string[] {
  return [
    "| Key | Accepts | Default | |",
    "|---|---|---|---|",
    ...Object.entries(properties).map(([key, property]) => {
      const fallback = property.default === undefined ? "" : `\`${JSON.stringify(property.default)}\``;
      return `| \`${key}\` | ${accepts(property)} | ${fallback} | ${cell(property.description ?? "")} |`;
    }),
  ];
}

function accepts(property: Property): string {
  if (property.enum) return property.enum.map((value) => `\`${JSON.stringify(value)}\``).join(" ");
  if (property.anyOf) return [...new Set(property.anyOf.map(accepts))].join(" or ");
  if (property.type === "array") return `list of ${property.items ? accepts(property.items) : "anything"}`;
  if (property.type === undefined) return "any JSON";
  return [property.type].flat().join(" or ");
}

function cell(text: string): string {
  return text.replaceAll("|", "\\|");
}
