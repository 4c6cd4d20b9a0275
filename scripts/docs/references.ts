import { settingsReference } from "../../src/config/settings-reference.ts";
import { editorSchema, editorSchemaNames } from "../../src/services/editor-schemas.ts";
import { apiReference } from "./api-reference.ts";
import { cliReference } from "./cli-reference.ts";
import { scalingPage } from "./scaling-page.ts";
import { manifestReference, parametersReference } from "./service-files-reference.ts";

/** Every document that is made from code: its path in the repository, and its text. `npm run docs` writes them; a test holds them to the code. */
export const references: Record<string, () => string | Promise<string>> = {
  "docs/scaling.md": scalingPage,
  "docs/reference/api.md": apiReference,
  "docs/reference/cli.md": cliReference,
  "docs/reference/settings.md": settingsReference,
  "docs/reference/manifest.md": manifestReference,
  "docs/reference/parameters.md": parametersReference,
  ...Object.fromEntries(
    editorSchemaNames.map((name) => [
      `docs/schemas/${name}.schema.json`,
      () => `${JSON.stringify(editorSchema(name), null, 2)}\n`,
    ]),
  ),
};
