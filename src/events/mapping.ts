import type { Problem } from "../foundation/errors.ts";
import type { MappingId } from "../foundation/ids.ts";
import type { Json } from "../foundation/json.ts";
import { parsePath } from "./data-path.ts";
import { isReservedType } from "./reserved-types.ts";

/**
 * Makes of every event of one type another event of another type. It is data, as a link is: it
 * changes while events flow. Unique by (project, fromType, toType, filter).
 */
export interface Mapping extends MappingContent {
  id: MappingId;
  origin: "person";
  createdAt: number;
}

export interface MappingContent {
  /** For people. */
  name: string | undefined;
  /** Its project's and shared events only, and what it makes is that project's; undefined: of all (rule D19). */
  project: string | undefined;
  /** Exact, or with a trailing `.*`. */
  fromType: string;
  /** Exact, and not reserved. */
  toType: string;
  /** CEL over `event`. */
  filter: string | undefined;
  strategy: MappingStrategy;
  fields: readonly MappingField[];
  active: boolean;
}

/**
 * `mapped`: the fields named, and nothing else. `all`: the event's data and subject as they are, and
 * the fields laid over them. A field is copied, never moved: under `all` it is there under both names.
 */
export const mappingStrategies = ["mapped", "all"] as const;
export type MappingStrategy = (typeof mappingStrategies)[number];

/** One of `from`, `value` and `expression` is there. */
export interface MappingField {
  /** `data`, a path of keys below it such as `data.customer.id`, or `subject`. */
  target: string;
  /** A path into the event: `data.user.id`, `data.items[0].sku`, `subject`. */
  from?: string | undefined;
  /** A constant. */
  value?: Json | undefined;
  /** CEL over `event`. */
  expression?: string | undefined;
  /** The mapping fails where its source is missing, instead of leaving the field out. */
  required?: boolean | undefined;
  /** Stands in where the source is missing or cannot be computed. */
  default?: Json | undefined;
}

/** Most fields of one mapping. */
export const maxMappingFields = 200;

/** Whether a type, exact or with a trailing `.*`, stands for another, exact one. */
export function coversType(pattern: string, type: string): boolean {
  if (!pattern.endsWith(".*")) return pattern === type;
  const prefix = pattern.slice(0, -1);
  return type.startsWith(prefix) && type.length > prefix.length;
}

/** What is wrong with a mapping, but for its expressions, which are compiled elsewhere. */
export function mappingProblems(mapping: Pick<MappingContent, "fromType" | "toType" | "fields">): Problem[] {
  const { fromType, toType, fields } = mapping;
  const problems: Problem[] = [];
  if (isReservedType(toType)) {
    problems.push({
      path: "toType",
      message: `"${toType}" is reserved: only the platform makes events under "fx."; choose a type outside of it`,
    });
  }
  if (coversType(fromType, toType)) {
    const message = `a mapping of "${fromType}" would feed itself with "${toType}": choose a type that it does not take`;
    problems.push({ path: "toType", message });
  }
  if (fields.length > maxMappingFields) {
    problems.push({
      path: "fields",
      message: `a mapping has at most ${maxMappingFields} fields, not ${fields.length}`,
    });
  }
  const targets = new Set<string>();
  for (const [index, field] of fields.entries()) {
    const report = (name: string, message: string) => problems.push({ path: `fields[${index}].${name}`, message });
    const target = readTarget(field.target);
    if (typeof target === "string") report("target", target);
    else if (targets.has(JSON.stringify(target))) report("target", `"${field.target}" is set twice`);
    else targets.add(JSON.stringify(target));
    const sources = [field.from, field.value, field.expression].filter((source) => source !== undefined);
    if (sources.length !== 1) report("from", 'give exactly one of "from", "value" and "expression"');
    if (field.from !== undefined) {
      const reading = parsePath(field.from);
      if (!reading.ok) report("from", reading.reason);
    }
  }
  return problems;
}

/** The keys of a target; a text says why it is none. */
export function readTarget(target: string): string[] | string {
  const reading = parsePath(target);
  if (!reading.ok) return reading.reason;
  const { steps } = reading;
  const keys = steps.filter((step) => typeof step === "string");
  if (keys.length < steps.length) {
    return `"${target}" names a place in a list: set the whole list, with an expression`;
  }
  if (keys[0] === "data" || (keys[0] === "subject" && keys.length === 1)) return keys;
  return `"${target}" cannot be set: a target is "data", a path below it such as "data.${target}", or "subject"`;
}
