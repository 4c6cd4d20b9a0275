/** One day's weather in Seattle, in metric units. A type, because an interface is not JSON to the compiler. */
export type Row = {
  date: string;
  precipitation: number;
  temp_max: number;
  temp_min: number;
  wind: number;
  weather: string;
};

const kinds = ["drizzle", "fog", "rain", "snow", "sun"];

/** Reads a row of the file. `problem` says why it cannot be believed. */
export function readRow(raw: Record<string, string>): { row: Row; problem: string | undefined } {
  const row: Row = {
    date: raw.date ?? "",
    precipitation: Number(raw.precipitation || Number.NaN),
    temp_max: Number(raw.temp_max || Number.NaN),
    temp_min: Number(raw.temp_min || Number.NaN),
    wind: Number(raw.wind || Number.NaN),
    weather: raw.weather ?? "",
  };
  return { row, problem: problemOf(row) };
}

function problemOf(row: Row): string | undefined {
  if (Number.isNaN(Date.parse(row.date))) return `"${row.date}" is not a date`;
  for (const [name, value] of Object.entries(row)) {
    if (typeof value === "number" && Number.isNaN(value)) return `${name} is not a number`;
  }
  if (!kinds.includes(row.weather)) return `"${row.weather}" is not one of ${kinds.join(", ")}`;
  if (row.temp_min > row.temp_max) return `the lowest temperature ${row.temp_min} is above the highest ${row.temp_max}`;
  if (row.precipitation < 0 || row.wind < 0) return "precipitation and wind cannot be negative";
  // Drizzle may stay below what a gauge measures; rain and snow do not.
  if (row.precipitation === 0 && (row.weather === "rain" || row.weather === "snow")) {
    return `it says ${row.weather}, but no precipitation was measured`;
  }
  return undefined;
}
