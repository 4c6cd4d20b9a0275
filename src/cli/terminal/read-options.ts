import { InvalidArgumentError } from "commander";

/** Parsers of option values. Commander adds the option's name to what they refuse. */
export function wholeNumber(least: number, most: number) {
  return (text: string): number => {
    const number = Number(text);
    if (/^\d+$/.test(text) && number >= least && number <= most) return number;
    throw new InvalidArgumentError(`It must be a whole number from ${least} to ${most}.`);
  };
}

const secondsOfUnit: Record<string, number> = { s: 1, m: 60, h: 3600 };

/** Plain seconds, or with their unit: 10, 0.5, 10s, 2m, 1h. */
export function seconds(text: string): number {
  const [, amount, unit = "s"] = /^(\d+(?:\.\d+)?)([smh])?$/.exec(text) ?? [];
  const number = Number(amount) * (secondsOfUnit[unit] as number);
  if (number > 0) return number;
  throw new InvalidArgumentError(
    "It must be a number of seconds, or such as 10s or 2m. A bare --wait goes last, or before another option: `fx send order.placed --wait`.",
  );
}

/** An RFC 3339 time, a date, or how long ago: 30s, 15m, 2h, 7d. Answers RFC 3339. */
export function pointInTime(nowMs: () => number) {
  return (text: string): string => {
    const ago = /^(\d+)([smhd])$/.exec(text);
    if (ago) {
      const unitMs = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 }[ago[2] as "s" | "m" | "h" | "d"];
      return new Date(nowMs() - Number(ago[1]) * unitMs).toISOString();
    }
    const ms = Date.parse(text);
    if (!Number.isNaN(ms)) return new Date(ms).toISOString();
    throw new InvalidArgumentError(
      "It must be a time such as 2026-01-31T12:00:00Z, or how long ago: 30s, 15m, 2h, 7d.",
    );
  };
}
