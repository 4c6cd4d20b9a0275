import { z } from "zod";
import { nearest } from "./nearest.ts";

/**
 * What a schema's refusal says to people, where the schema brings no words of its own: what would be right, with all bounds. Given to a parse
 * as its `error`. Where it has nothing to say, zod's own words stand.
 */
export const schemaWords: z.core.$ZodErrorMap = (issue) => {
  const said = wordsOf(issue);
  if (said === undefined || issue.input !== undefined) return said;
  return said.replace(/^must be /, "must be given: ");
};

function wordsOf(issue: z.core.$ZodRawIssue): string | undefined {
  switch (issue.code) {
    case "invalid_type":
      return issue.schema instanceof z.ZodNumber ? numberWords(issue.schema) : `must be ${kindWords(issue.expected)}`;
    case "too_small":
      return sizeWords(issue, "at least", Number(issue.minimum));
    case "too_big":
      return sizeWords(issue, "at most", Number(issue.maximum));
    case "invalid_value":
      return `must be ${oneOf(issue.values.map((value) => JSON.stringify(value)))}`;
    case "unrecognized_keys":
      return `has no key ${oneOf(issue.keys.map((key) => JSON.stringify(key)))}${hint(issue)}`;
    case "invalid_format":
      return formatWords(issue);
    case "invalid_union":
      return optionsWords(issue);
    default:
      return undefined;
  }
}

function kindWords(expected: string): string {
  switch (expected) {
    case "string":
      return "text";
    case "boolean":
      return "true or false";
    case "array":
      return "a list";
    case "int":
      return "an integer";
    case "object":
    case "record":
      return "an object";
    default:
      return `a ${expected}`;
  }
}

/** What a number is held to, as the checks of its schema tell it. */
interface Bound {
  check: "greater_than" | "less_than" | (string & {});
  value: number;
  inclusive: boolean;
}

function numberWords(schema: z.ZodNumber): string {
  const kind = schema.isInt ? "an integer" : "a number";
  const bounds = (schema._zod.def.checks ?? []).map((check) => check._zod.def as unknown as Bound);
  const lower = bounds.find(({ check }) => check === "greater_than");
  const upper = bounds.find(({ check }) => check === "less_than");
  if (lower?.inclusive && upper?.inclusive) return `must be ${kind} from ${lower.value} to ${upper.value}`;
  const parts = [
    ...(lower ? [`${lower.inclusive ? "from" : "above"} ${lower.value}`] : []),
    ...(upper ? [`${upper.inclusive ? "up to" : "below"} ${upper.value}`] : []),
  ];
  return `must be ${[kind, parts.join(" and ")].join(" ").trim()}`;
}

function sizeWords(
  { origin, schema }: z.core.$ZodRawIssue<z.core.$ZodIssueTooBig | z.core.$ZodIssueTooSmall>,
  relation: "at least" | "at most",
  bound: number,
): string | undefined {
  if (schema instanceof z.ZodNumber) return numberWords(schema);
  if (relation === "at least" && bound === 1) return "must not be empty";
  if (origin === "string") return `must have ${relation} ${bound} ${bound === 1 ? "character" : "characters"}`;
  return origin === "array" ? `must have ${relation} ${bound} ${bound === 1 ? "entry" : "entries"}` : undefined;
}

/** Of the kinds of an object that one of its keys tells apart. */
function optionsWords({ options }: z.core.$ZodRawIssue<z.core.$ZodIssueInvalidUnion>): string | undefined {
  return Array.isArray(options) ? `must be ${oneOf(options.map((option) => JSON.stringify(option)))}` : undefined;
}

function hint({ keys, schema }: z.core.$ZodRawIssue<z.core.$ZodIssueUnrecognizedKeys>): string {
  const known = schema instanceof z.ZodObject ? Object.keys(schema.shape) : [];
  const meant = keys.map((key) => nearest(key, known)).filter((key) => key !== undefined);
  if (meant.length > 0) return ` (did you mean ${oneOf(meant.map((key) => JSON.stringify(key)))}?)`;
  return known.length > 0 ? `; its keys are ${known.join(", ")}` : "";
}

function formatWords(issue: z.core.$ZodRawIssue<z.core.$ZodIssueInvalidStringFormat>): string | undefined {
  switch (issue.format) {
    case "datetime":
      return 'must be a date and time, such as "2026-01-31T09:30:00Z"';
    case "regex":
      return issue.pattern === undefined ? undefined : `must match ${issue.pattern}`;
    default:
      return undefined;
  }
}

function oneOf(words: readonly string[]): string {
  return [words.slice(0, -1).join(", "), words.at(-1) ?? ""].filter(Boolean).join(" or ");
}

/** Where in a file a refusal is: `steps[0].name`. */
export function placeOf(path: readonly PropertyKey[]): string {
  const text = path.reduce<string>(
    (before, part) => (typeof part === "number" ? `${before}[${part}]` : `${before}.${String(part)}`),
    "",
  );
  return text.replace(/^\./, "") || "(the whole file)";
}

/** What is there instead, as the end of a refusal's words; of what is not there nothing, since these say so. */
export function foundAt(path: readonly PropertyKey[], root: unknown): string {
  const found = path.reduce<unknown>(
    (value, part) => (value as Record<PropertyKey, unknown> | undefined)?.[part],
    root,
  );
  return found === undefined ? "" : `; found ${JSON.stringify(found).slice(0, 120)}`;
}
