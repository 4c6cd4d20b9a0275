import type { MappingField } from "../../events/mapping.ts";
import { usageError } from "../cli-error.ts";

const like = "--field data.customer.id=data.user.id";

/**
 * Fields as the command line writes them: `target=path` copies, `target:=json` is a constant,
 * `target~=expression` computes in CEL; `target!=path` copies what must be there.
 */
export function readFields(texts: readonly string[]): MappingField[] {
  return texts.map((text) => {
    const match = /^(?<target>[^=:~!]+)(?<sign>:=|~=|!=|=)(?<source>.+)$/s.exec(text);
    const { target = "", sign, source = "" } = match?.groups ?? {};
    switch (sign) {
      case "=":
        return { target, from: source };
      case "!=":
        return { target, from: source, required: true };
      case "~=":
        return { target, expression: source };
      case ":=":
        return { target, value: readConstant(text, source) };
      default:
        throw usageError(`"${text}" is not a field: write target=path, target:=json or target~=expression`, like);
    }
  });
}

function readConstant(text: string, source: string): NonNullable<MappingField["value"]> | null {
  try {
    return JSON.parse(source) as NonNullable<MappingField["value"]>;
  } catch {
    throw usageError(`"${text}" needs JSON after :=, and text in quotes`, `--field 'data.kind:="order"'`);
  }
}
