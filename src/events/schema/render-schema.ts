import type { JsonObject } from "../../foundation/json.ts";
import type { ObjectShape, Shape, StringShape, TypeShape } from "./shape.ts";

/** Strings of a place, and for each distinct one, before those that were seen count as all there are. */
const enumEvidence = 20;
const enumEvidenceEach = 10;

/** A JSON Schema (draft 2020-12) that all data from which the shape was made satisfies. */
export function renderSchema({ data }: TypeShape): JsonObject {
  return { $schema: "https://json-schema.org/draft/2020-12/schema", ...render(data) };
}

/** Whether every event had data. */
export function isDataRequired({ samples, data }: TypeShape): boolean {
  return samples > 0 && data.count === samples;
}

function render(shape: Shape): JsonObject {
  const branches = branchesOf(shape);
  const examples = shape.examples.length > 0 ? { examples: [...shape.examples] } : {};
  const [only] = branches;
  if (only === undefined) return {};
  if (branches.length === 1) return { ...only, ...examples };
  const details = branches.filter((branch) => Object.keys(branch).length > 1);
  const [detailed] = details;
  // One keyword looks at values of one type only, an enumeration excepted: then a list of types says it all.
  if (details.length <= 1 && detailed?.enum === undefined) {
    return { ...detailed, type: branches.map(({ type }) => type as string), ...examples };
  }
  return { anyOf: branches, ...examples };
}

/** One for each JSON type that was seen. */
function branchesOf({ nulls, booleans, integers, fractions, strings, arrays, objects }: Shape): JsonObject[] {
  return [
    ...(objects ? [renderObject(objects)] : []),
    ...(arrays ? [{ type: "array", ...(arrays.items ? itemsOf(arrays.items) : {}) }] : []),
    ...(strings ? [renderString(strings)] : []),
    ...(fractions > 0 ? [{ type: "number" }] : integers > 0 ? [{ type: "integer" }] : []),
    ...(booleans > 0 ? [{ type: "boolean" }] : []),
    ...(nulls > 0 ? [{ type: "null" }] : []),
  ];
}

function itemsOf(items: Shape): JsonObject {
  return items.count > 0 ? { items: render(items) } : {};
}

function renderString({ count, format, values }: StringShape): JsonObject {
  if (format !== undefined) return { type: "string", format };
  const isAll = values && count >= Math.max(enumEvidence, values.size * enumEvidenceEach);
  return isAll ? { type: "string", enum: [...values].sort() } : { type: "string" };
}

function renderObject({ count, fields, rest }: ObjectShape): JsonObject {
  if (rest && rest.count > 0) return { type: "object", additionalProperties: render(rest) };
  if (fields === undefined || fields.size === 0) return { type: "object" };
  // Validators percent-encode names, and half a surrogate pair has no encoding.
  const named = [...fields].filter(([name]) => name.isWellFormed());
  const entries = named.sort(([left], [right]) => (left < right ? -1 : 1));
  const required = entries.filter(([, field]) => field.count === count).map(([name]) => name);
  return {
    type: "object",
    // Own properties whatever their name.
    properties: Object.fromEntries(entries.map(([name, field]) => [name, render(field)])),
    ...(required.length > 0 ? { required } : {}),
  };
}
