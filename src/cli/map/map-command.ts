import { isDeepStrictEqual } from "node:util";
import type { MappingContent, MappingField } from "../../events/mapping.ts";
import { readFields } from "./read-fields.ts";

/** A mapping as a JSON file holds it: what is left out is as POST /mappings takes it. */
export type WrittenMapping = Pick<MappingContent, "fromType" | "toType"> &
  Partial<Record<"name" | "project" | "filter", string | null>> & {
    strategy?: string;
    fields?: readonly MappingField[];
    active?: boolean;
  };

/** The command line that makes a mapping; undefined where one of its fields cannot be written on one. */
export function mapCommand({ fromType, toType, ...rest }: WrittenMapping): string | undefined {
  const { fields = [], strategy, filter, project, name, active } = rest;
  const written = fields.map(fieldText);
  const defaults = fields.flatMap(({ target, default: value }) =>
    value === undefined ? [] : [`${target}:=${JSON.stringify(value)}`],
  );
  // Only what is read back as it was is worth offering.
  if (!isSame(fields, written, defaults)) return undefined;
  const options: [string, string | null | undefined][] = [
    ...written.map((text): [string, string] => ["--field", text]),
    ...defaults.map((text): [string, string] => ["--default", text]),
    ["--filter", filter],
    ["--project", project],
    ["--name", name],
  ];
  const words = options.flatMap(([option, value]) => (value ? [option, quoted(value)] : []));
  const flags = [...(strategy === "all" ? ["--all"] : []), ...(active === false ? ["--off"] : [])];
  return ["fx map", quoted(fromType), quoted(toType), ...words, ...flags].join(" ");
}

function fieldText({ target, from, value, expression, required }: MappingField): string {
  const sign = required ? "!" : "";
  if (from !== undefined) return `${target}${sign}=${from}`;
  return expression === undefined ? `${target}:=${JSON.stringify(value)}` : `${target}${sign}~=${expression}`;
}

function isSame(fields: readonly MappingField[], written: readonly string[], defaults: readonly string[]): boolean {
  try {
    return isDeepStrictEqual(readFields(written, defaults).map(whole), fields.map(whole));
  } catch {
    return false;
  }
}

function whole({ target, from, value, expression, required, default: fallback }: MappingField) {
  return { target, from, value, expression, required: required === true, default: fallback };
}

/** For a POSIX shell. */
export function quoted(word: string): string {
  return /^[\w.,:/@%+-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}
