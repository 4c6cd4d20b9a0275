const units = [
  [86_400, "d"],
  [3600, "h"],
  [60, "min"],
] as const;

/** "45 s", "5 min", "1.5 h": seconds in the largest unit that they fill. */
export function spanText(seconds: number): string {
  const [size, unit] = units.find(([size]) => seconds >= size) ?? [1, "s"];
  return `${Math.round((seconds / size) * 10) / 10} ${unit}`;
}
