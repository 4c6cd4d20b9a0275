import type { MappingField } from "../../events/mapping.ts";
import { usageError } from "../cli-error.ts";

const like = "--field data.customer.id=data.user.id";

/**
 * Fields as the command line writes them: `target=path` copies, `target:=json` is a constant,
 * `target~=expression` computes in CEL; `target!=path` and `target!~=expression` must have a value.
 * Each of `defaults`, as `target:=json`, stands in where the field of that target has none.
 */
export function readFields(texts: readonly string[], defaults: readonly string[] = []): MappingField[] {
  const fields = texts.map(readField);
  for (const text of defaults) {
    const { target, value } = readField(text);
    const field = fields.find((one) => one.target === target);
    if (value === undefined || field === undefined) {
      throw usageError(`--default ${text} names no field: write target:=json, and the field's own --field`, like);
    }
    field.default = value;
  }
  return fields;
}

function readField(text: string): MappingField {
  const match = /^(?<target>[^=:~!]+)(?<sign>:=|!?~=|!?=)(?<source>.+)$/s.exec(text);
  const { target = "", sign, source = "" } = match?.groups ?? {};
  switch (sign) {
    case "=":
      return { target, from: source };
    case "!=":
      return { target, from: source, required: true };
    case "~=":
      return { target, expression: source };
    case "!~=":
      return { target, expression: source, required: true };
    case ":=":
      return { target, value: readConstant(text, source) };
    default:
      throw usageError(`"${text}" is not a field: write target=path, target:=json or target~=expression`, like);
  }
}

function readConstant(text: string, source: string): NonNullable<MappingField["value"]> | null {
  try {
    return JSON.parse(source) as NonNullable<MappingField["value"]>;
  } catch {
    throw usageError(`"${text}" needs JSON after :=, and text in quotes`, `--field 'data.kind:="order"'`);
  }
}
