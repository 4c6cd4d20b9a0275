import type { Problem } from "../foundation/errors.ts";
import type { Json, JsonObject } from "../foundation/json.ts";
import type { FormField, ParametersForm } from "./parameters-form.ts";

export type FilledForm = { ok: true; data: JsonObject } | { ok: false; problems: Problem[] };

/**
 * The data of a run by hand as its form wants it: defaults filled in, every value checked. What the
 * form does not name passes through. Each problem is at the parameter's name.
 */
export function fillForm(form: ParametersForm, given: JsonObject): FilledForm {
  const data: JsonObject = { ...given };
  const problems: Problem[] = [];
  for (const field of form.fields) {
    const value = Object.hasOwn(given, field.name) ? given[field.name] : undefined;
    if (isEmpty(value)) {
      if (field.default !== undefined) data[field.name] = field.default;
      else if (field.required) problems.push({ path: field.name, message: "is required" });
      continue;
    }
    const message = problemOf(field, value as Json);
    if (message !== undefined) problems.push({ path: field.name, message: `${message}; found ${shown(value)}` });
  }
  return problems.length > 0 ? { ok: false, problems } : { ok: true, data };
}

function isEmpty(value: Json | undefined): boolean {
  return value === undefined || value === null || value === "";
}

const isDate = /^\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])$/;

function problemOf(field: FormField, value: Json): string | undefined {
  switch (field.type) {
    case "int":
      return Number.isSafeInteger(value) ? outOfRange(field, value as number) : "must be a whole number";
    case "float":
      return typeof value === "number" ? outOfRange(field, value) : "must be a number";
    case "text":
    case "textarea":
      return typeof value === "string" ? outOfLength(field, value) : "must be a text";
    case "file":
      return typeof value === "string" ? undefined : "must be the file's content or address, as a text";
    case "date":
      return typeof value === "string" && isDate.test(value) ? undefined : "must be a date such as 2026-01-31";
    case "checkbox":
      return typeof value === "boolean" ? undefined : "must be true or false";
    case "select":
    case "radio":
      return isChoice(field, value) ? undefined : `must be one of ${choicesOf(field)}`;
    case "multiselect":
      return Array.isArray(value) && value.every((each) => isChoice(field, each))
        ? undefined
        : `must be a list of ${choicesOf(field)}`;
  }
}

function outOfRange({ min, max }: FormField, value: number): string | undefined {
  if (min !== undefined && value < min) return `must be at least ${min}`;
  return max !== undefined && value > max ? `must be at most ${max}` : undefined;
}

function outOfLength({ min, max }: FormField, value: string): string | undefined {
  if (min !== undefined && value.length < min) return `must have at least ${min} characters`;
  return max !== undefined && value.length > max ? `must have at most ${max} characters` : undefined;
}

function isChoice({ choices = [] }: FormField, value: Json): boolean {
  return choices.some((choice) => choice.value === value);
}

function choicesOf({ choices = [] }: FormField): string {
  return choices.map(({ value }) => JSON.stringify(value)).join(", ");
}

function shown(value: Json | undefined): string {
  return (JSON.stringify(value) ?? "nothing").slice(0, 100);
}
