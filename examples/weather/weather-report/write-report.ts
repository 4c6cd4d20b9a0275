import type { Collected, Month } from "./collect.ts";

const chartWidth = 30;

/** The report as Markdown, with a chart drawn in text, and its totals. */
export function writeReport({ months }: Collected) {
  const entries = Object.entries(months).sort(([left], [right]) => (left < right ? -1 : 1));
  const totals = {
    months: entries.length,
    days: sumOf(entries, "days"),
    rejected: sumOf(entries, "rejected"),
    anomalies: sumOf(entries, "anomalies"),
    precipitation: Math.round(sumOf(entries, "precipitation") * 10) / 10,
  };
  const hottest = Math.max(...entries.map(([, month]) => meanOf(month)));
  const lines = entries.map(([name, month]) => {
    const mean = meanOf(month);
    const bar = "█".repeat(Math.max(0, Math.round((mean / hottest) * chartWidth)));
    const anomalies = month.anomalies > 0 ? ` ${"!".repeat(month.anomalies)}` : "";
    return `${name} ${mean.toFixed(1).padStart(5)} °C ${bar}${anomalies}`;
  });
  const markdown = [
    "# Weather in Seattle",
    "",
    `${totals.days} days of ${totals.months} months were believed, ${totals.rejected} rejected.`,
    `${totals.anomalies} days stood out of the thirty before them; ${totals.precipitation} mm of rain and snow fell.`,
    "",
    "Mean of the highest temperatures, month by month (! marks a day that stood out):",
    "",
    "```",
    ...lines,
    "```",
  ].join("\n");
  return { markdown, totals };
}

function sumOf(entries: readonly [string, Month][], key: keyof Month): number {
  return entries.reduce((sum, [, month]) => sum + month[key], 0);
}

function meanOf({ temp_max_sum, days }: Month): number {
  return days === 0 ? 0 : temp_max_sum / days;
}
