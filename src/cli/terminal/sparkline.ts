const bars = "▁▂▃▄▅▆▇█";

/** Values as bars, the lowest bar for 0 and the highest for the largest; a gap for what is not known. */
export function sparkline(values: readonly (number | undefined)[]): string {
  const highest = values.reduce<number>((most, value) => Math.max(most, value ?? 0), 0);
  const barOf = (value: number | undefined) => {
    if (value === undefined) return " ";
    return bars[highest === 0 ? 0 : Math.min(bars.length - 1, Math.floor((value / highest) * bars.length))];
  };
  return values.map(barOf).join("");
}
