import type { z } from "zod";
import { settingsSchema } from "./settings-schema.ts";

/** One setting, under all of its names. */
export interface Setting {
  /** As in `fx.config.json`: `executor.leaseMs`. */
  path: string;
  /** `FX_EXECUTOR_LEASE_MS`. */
  variable: string;
  /** `--executor-lease-ms`; none for secrets, since everybody on a machine can read a command line. */
  flag: string | undefined;
  kind: "number" | "boolean" | "text";
  /** For people: "an integer from 1 to 256". */
  accepts: string;
  default: string | number | boolean | undefined;
  description: string;
  secret: boolean;
}

interface Definition {
  type: string;
  innerType?: z.core.$ZodType;
  shape?: Record<string, z.core.$ZodType>;
  options?: z.core.$ZodType[];
  values?: unknown[];
  entries?: Record<string, string>;
  defaultValue?: unknown;
}

/** Every setting, in the order of the schema. */
export const settingList: readonly Setting[] = collect(settingsSchema, [], undefined);

function collect(schema: z.core.$ZodType, path: string[], fallback: unknown): Setting[] {
  const definition = definitionOf(schema);
  if (definition.type === "default" || definition.type === "prefault") {
    const inner = definition.innerType as z.core.$ZodType;
    const found = collect(inner, path, definition.defaultValue);
    return found.map((setting) => withMeta(setting, schema, path));
  }
  if (definition.type === "optional") {
    return collect(definition.innerType as z.core.$ZodType, path, fallback).map((s) => withMeta(s, schema, path));
  }
  if (definition.shape) {
    return Object.entries(definition.shape).flatMap(([key, inner]) =>
      collect(inner, [...path, key], (fallback as Record<string, unknown> | undefined)?.[key]),
    );
  }
  if (definition.options) {
    const all = definition.options.flatMap((option) => collect(option, path, fallback));
    return [...Map.groupBy(all, ({ path }) => path).values()].map(joined);
  }
  return [withMeta(leaf(schema, definition, path, fallback), schema, path)];
}

/** One setting of several drivers, as the first describes it. */
function joined(settings: readonly Setting[]): Setting {
  const [first] = settings as [Setting];
  return { ...first, accepts: oneOf([...new Set(settings.map(({ accepts }) => accepts))]) };
}

function leaf(schema: z.core.$ZodType, definition: Definition, path: string[], fallback: unknown): Setting {
  const words = path.flatMap((part) => part.split(/(?=[A-Z])/)).map((word) => word.toLowerCase());
  const kind = definition.type === "number" ? "number" : definition.type === "boolean" ? "boolean" : "text";
  return {
    path: path.join("."),
    variable: `FX_${words.join("_").toUpperCase()}`,
    flag: `--${words.join("-")}`,
    kind,
    accepts: acceptsOf(schema, definition, kind),
    default: fallback as Setting["default"],
    description: "",
    secret: false,
  };
}

/** A description may sit on the type or on its wrapper (default, optional). */
function withMeta(setting: Setting, schema: z.core.$ZodType, path: string[]): Setting {
  if (setting.path !== path.join(".")) return setting;
  const meta = (schema as z.ZodType).meta() ?? {};
  return {
    ...setting,
    description: setting.description || (meta.description ?? ""),
    secret: setting.secret || meta.secret === true,
    flag: meta.secret === true ? undefined : setting.flag,
  };
}

function acceptsOf(schema: z.core.$ZodType, definition: Definition, kind: Setting["kind"]): string {
  if (definition.entries) return oneOf(Object.values(definition.entries));
  if (definition.values) return oneOf(definition.values);
  if (kind !== "number") return kind;
  const { minValue, maxValue } = schema as z.ZodNumber;
  const lower = minValue ?? 0;
  return maxValue === null || maxValue === Number.MAX_SAFE_INTEGER
    ? `an integer from ${lower}`
    : `an integer from ${lower} to ${maxValue}`;
}

function definitionOf(schema: z.core.$ZodType): Definition {
  return schema._zod.def as unknown as Definition;
}

function oneOf(words: readonly unknown[]): string {
  return words.map(String).join(" or ");
}
