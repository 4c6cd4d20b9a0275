import { z } from "zod";
import type { Problem } from "../foundation/errors.ts";
import { placeOf, schemaWords } from "../foundation/schema-words.ts";

export const fieldTypes = [
  "text",
  "textarea",
  "file",
  "int",
  "float",
  "select",
  "multiselect",
  "radio",
  "checkbox",
  "date",
] as const;

const choice = z.strictObject({
  title: z.string().describe("What people see."),
  value: z
    .union([z.string(), z.number(), z.boolean()], "must be text, a number, true or false")
    .describe("What the script gets."),
});

const field = z.looseObject({
  type: z.enum(fieldTypes).describe("Which kind of field."),
  name: z.string().min(1).describe("The parameter: the key in the trigger event's data."),
  label: z.string().optional().describe("What people see; without it the name."),
  required: z.boolean().default(false).describe("A run without a value is refused."),
  default: z.json().optional().describe("Taken where a run gives no value."),
  description: z.string().optional().describe("Explains the field."),
  placeholder: z.string().optional().describe("Shown while the field is empty."),
  min: z.number().optional().describe("Smallest number, or fewest characters of a text."),
  max: z.number().optional().describe("Largest number, or most characters of a text."),
  step: z.number().positive().optional().describe("Distance between two numbers that can be chosen."),
  choices: z.array(choice).min(1).optional().describe("Of select, multiselect and radio."),
  data: z.json().optional().describe("Anything that a screen may want to know of the field."),
});

/** `parameters.json` of a service: the form of a run by hand. Its values become the trigger event's data. */
export const parametersFormSchema = z.strictObject({
  $schema: z.string().optional().describe("Where the schema for editors lies; the platform passes it over."),
  fields: z.array(field).describe("The fields, in the order they are shown."),
});

export type ParametersForm = z.infer<typeof parametersFormSchema>;
export type FormField = ParametersForm["fields"][number];

export const parametersFile = "parameters.json";

const withChoices: ReadonlySet<FormField["type"]> = new Set(["select", "multiselect", "radio"]);

export type FormReading = { ok: true; form: ParametersForm } | { ok: false; problems: Problem[] };

/** Reads a parsed `parameters.json`. Each problem names its place and what was found. */
export function readParametersForm(value: unknown): FormReading {
  const parsed = parametersFormSchema.safeParse(value, { error: schemaWords });
  if (!parsed.success) {
    const problems = parsed.error.issues.map(({ path, message }) => ({ path: placeOf(path), message }));
    return { ok: false, problems };
  }
  const problems = parsed.data.fields.flatMap((each, index) => problemsOfField(each, index, parsed.data.fields));
  return problems.length > 0 ? { ok: false, problems } : { ok: true, form: parsed.data };
}

function problemsOfField(each: FormField, index: number, fields: readonly FormField[]): Problem[] {
  const path = `fields[${index}]`;
  const problems: Problem[] = [];
  if (fields.findIndex(({ name }) => name === each.name) < index)
    problems.push({ path: `${path}.name`, message: `"${each.name}" is the name of an earlier field` });
  if (withChoices.has(each.type) && each.choices === undefined)
    problems.push({ path: `${path}.choices`, message: `a field of type "${each.type}" needs choices` });
  if (each.min !== undefined && each.max !== undefined && each.min > each.max)
    problems.push({ path: `${path}.min`, message: `${each.min} is more than max, ${each.max}` });
  return problems;
}
