/** What weather-anomalies says of one batch of rows. */
export type Part = {
  batch: string;
  batches: number;
  days: number;
  rejected: number;
  anomalies: number;
  precipitation: number;
  temp_max_sum: number;
};

export type Month = { days: number; rejected: number; anomalies: number; precipitation: number; temp_max_sum: number };

export type Collected = {
  /** Batches that are in. A run that is repeated after a crash finds its own here, and adds it once. */
  parts: Record<string, true>;
  months: Record<string, Month>;
};

export function addPart({ parts, months }: Collected, part: Part): Collected {
  if (parts[part.batch]) return { parts, months };
  const name = part.batch.slice(0, 7);
  const month = months[name] ?? { days: 0, rejected: 0, anomalies: 0, precipitation: 0, temp_max_sum: 0 };
  const sum: Month = {
    days: month.days + part.days,
    rejected: month.rejected + part.rejected,
    anomalies: month.anomalies + part.anomalies,
    precipitation: month.precipitation + part.precipitation,
    temp_max_sum: month.temp_max_sum + part.temp_max_sum,
  };
  return { parts: { ...parts, [part.batch]: true }, months: { ...months, [name]: sum } };
}
