import { z } from "zod";
import { manifestSchema } from "./manifest.ts";
import { parametersFormSchema } from "./parameters-form.ts";

/** Files of a service that an editor can check and complete while they are written. */
export type EditorSchemaName = "manifest" | "parameters" | "config";

const sources = {
  manifest: { title: "manifest.json of a service", schema: manifestSchema.catchall(z.unknown()) },
  parameters: { title: "parameters.json of a service: the form of a run by hand", schema: parametersFormSchema },
  config: {
    title: "config.json of a service: its configuration, key by key",
    schema: z.record(z.string().regex(/^[^/]{1,256}$/), z.json()),
  },
} satisfies Record<EditorSchemaName, { title: string; schema: z.ZodType }>;

export const editorSchemaNames = Object.keys(sources) as EditorSchemaName[];

/** JSON Schema (draft 2020-12) of such a file, as a person writes it: what has a default may be left out. */
export function editorSchema(name: EditorSchemaName): Record<string, unknown> {
  const { title, schema } = sources[name];
  return { title, ...z.toJSONSchema(schema, { io: "input", unrepresentable: "any" }) };
}
