import { z } from "zod";

const powers: Record<string, number> = { "": 0, b: 0, k: 1, kb: 1, m: 2, mb: 2, g: 3, gb: 3 };

/** A size as people write it, 262144 or "256 KB" or "1GB", in bytes; units are powers of 1,024. Undefined: it is none. */
export function parseSize(text: string): number | undefined {
  const [, digits, unit = ""] = /^\s*(\d+(?:\.\d+)?)\s*([A-Za-z]*)\s*$/.exec(text) ?? [];
  const power = powers[unit.toLowerCase()];
  if (digits === undefined || power === undefined) return undefined;
  return Math.floor(Number(digits) * 1024 ** power);
}

/** A size between two bounds in bytes, in bytes once read. */
export function sizeSchema(bounds: { min: number; max: number; told: string }) {
  return z
    .union([z.number(), z.string()], sizeError(bounds.told))
    .transform((value) => (typeof value === "number" ? value : parseSize(value)))
    .refine(
      (value): value is number =>
        value !== undefined && Number.isInteger(value) && value >= bounds.min && value <= bounds.max,
      { error: sizeError(bounds.told) },
    );
}

function sizeError(told: string): string {
  return `must be a size, such as 262144, "256 MB" or "1 GB", ${told}`;
}
