import type { CloudEvent } from "../events/cloud-event.ts";
import { parsePath, setAt, valueAt } from "../events/data-path.ts";
import type { MappedContent } from "../events/mapped-event.ts";
import { type MappingContent, type MappingField, mappingProblems, readTarget } from "../events/mapping.ts";
import type { Problem } from "../foundation/errors.ts";
import type { Json } from "../foundation/json.ts";
import { celToJson } from "./cel-json.ts";
import { type ExpressionUse, expressionProblem } from "./expression-problem.ts";
import type { Filter } from "./filter.ts";

export type MappedData =
  | { ok: true; content: MappedContent; left: string[] }
  /** One entry for each field that could not be made. */
  | { ok: false; problems: Problem[] };

/** A mapping that is ready to be applied; applying never throws and changes nothing of the event. */
export interface CompiledMapping {
  /** `left` names the targets that were left out, since their source is missing. */
  apply(event: CloudEvent): MappedData;
}

type Compile = (expression: string) => Filter;
type Source = (event: CloudEvent) => { value: Json | undefined } | { problem: string };

interface CompiledField {
  place: string;
  field: MappingField;
  keys: string[];
  source: Source;
}

/** Everything wrong with a mapping, its expressions included. */
export function mappingProblemsOf(
  mapping: Pick<MappingContent, "fromType" | "toType" | "fields" | "filter">,
): Problem[] {
  const problems = mappingProblems(mapping);
  const check = (path: string, expression: string | undefined, use: ExpressionUse) => {
    const message = expression === undefined ? undefined : expressionProblem(expression, use);
    if (message !== undefined) problems.push({ path, message });
  };
  check("filter", mapping.filter, "condition");
  for (const [index, { expression }] of mapping.fields.entries())
    check(`fields[${index}].expression`, expression, "value");
  return problems;
}

/** `mapping` has no problems; see `mappingProblemsOf`. */
export function compileMapping(
  { strategy, fields }: Pick<MappingContent, "strategy" | "fields">,
  compile: Compile,
): CompiledMapping {
  const compiled = fields.map((field, index): CompiledField => {
    const keys = readTarget(field.target);
    return {
      place: `fields[${index}]`,
      field,
      keys: typeof keys === "string" ? [] : keys,
      source: sourceOf(field, compile),
    };
  });
  return {
    apply(event) {
      const made: Record<string, unknown> = {};
      if (strategy === "all") {
        if (event.data !== undefined) made.data = copyOf(event.data);
        if (event.subject !== undefined) made.subject = event.subject;
      }
      const problems: Problem[] = [];
      const left: string[] = [];
      for (const entry of compiled) {
        const problem = setField(made, entry, event, left);
        if (problem !== undefined) problems.push({ path: entry.place, message: `${entry.field.target}: ${problem}` });
      }
      return problems.length > 0
        ? { ok: false, problems }
        : { ok: true, content: contentOf(made, event, strategy), left };
    },
  };
}

function setField(
  made: Record<string, unknown>,
  { field, keys, source }: CompiledField,
  event: CloudEvent,
  left: string[],
): string | undefined {
  const reading = source(event);
  const value = ("value" in reading ? reading.value : undefined) ?? defaultOf(field, reading);
  if (value === undefined) {
    if ("problem" in reading) return reading.problem;
    if (field.required) return `${field.from ?? "the expression's value"} is missing, and required`;
    left.push(field.target);
    return undefined;
  }
  if (keys[0] !== "subject") return setAt(made, keys, copyOf(value));
  if (value === null || typeof value === "object") return "a subject is text, a number or true or false";
  made.subject = String(value);
  return undefined;
}

/** A null that is there is a value, and stays. */
function defaultOf(field: MappingField, reading: ReturnType<Source>): Json | undefined {
  return "value" in reading && reading.value === null ? null : field.default;
}

function contentOf(
  made: Record<string, unknown>,
  event: CloudEvent,
  strategy: MappingContent["strategy"],
): MappedContent {
  const { data, subject } = made as { data?: Json; subject?: string };
  const content: MappedContent = subject === undefined ? {} : { subject };
  if (data === undefined) {
    if (strategy !== "all" || event.data_base64 === undefined) return content;
    content.data_base64 = event.data_base64;
    if (event.datacontenttype !== undefined) content.datacontenttype = event.datacontenttype;
    return content;
  }
  const kept = strategy === "all" && typeof data === "string" ? event.datacontenttype : undefined;
  return { ...content, data, datacontenttype: kept ?? "application/json" };
}

function sourceOf({ from, value, expression }: MappingField, compile: Compile): Source {
  if (from !== undefined) {
    const reading = parsePath(from);
    if (!reading.ok) return () => ({ problem: reading.reason });
    return (event) => ({ value: valueAt(event, reading.steps) });
  }
  if (expression === undefined) return () => ({ value });
  const filter = compile(expression);
  return (event) => {
    const computed = filter.value(event);
    return computed.ok ? { value: celToJson(computed.value) } : { problem: computed.reason };
  };
}

/** Keeps the source event apart from what is later set inside the copy. */
function copyOf(value: Json): Json {
  return typeof value === "object" && value !== null ? (JSON.parse(JSON.stringify(value)) as Json) : value;
}
