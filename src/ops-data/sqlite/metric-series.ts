import type { DatabaseSync } from "node:sqlite";
import type { Labels, MetricKind } from "../../metrics/figure.ts";
import type { Series } from "../../metrics/series.ts";
import { type MetricName, type MetricQuery, maxMetricSteps, tooManySteps } from "../ops-data.ts";

export function metricNames(database: DatabaseSync, { from, to }: { from: number; to: number }): MetricName[] {
  const sql = `select name, min(kind) as kind, count(*) as series from metric_series
    where exists (select 1 from metric_values where series = id and at >= ? and at < ?) group by name order by name`;
  return database.prepare(sql).all(from, to) as unknown as MetricName[];
}

export function metricSeries(database: DatabaseSync, query: MetricQuery): Series[] {
  const { names, where, from, to, stepMs } = query;
  const found = database
    .prepare(
      `select id, name, kind, labels from metric_series where name in (${names.map(() => "?").join(", ")})
       order by name, labels`,
    )
    .all(...names) as { id: number; name: string; kind: MetricKind; labels: string }[];
  const stepsOf = database.prepare(
    `select at / ? * ? as at, avg(value) as average, max(value) as highest from metric_values
     where series = ? and at >= ? and at < ? group by 1 order by 1`,
  );
  let room = maxMetricSteps;
  const series: Series[] = [];
  for (const { id, name, kind, labels: text } of found) {
    const labels = JSON.parse(text) as Labels;
    if (Object.entries(where).some(([label, value]) => labels[label] !== value)) continue;
    // As rows come they have no prototype, which no message may carry.
    const rows = stepsOf.all(BigInt(stepMs), BigInt(stepMs), id, from, to) as unknown as Series["steps"];
    const steps = rows.map(({ at, average, highest }) => ({ at, average, highest }));
    room -= steps.length;
    if (room < 0) throw tooManySteps();
    if (steps.length > 0) series.push({ name, kind, labels, steps });
  }
  return series;
}
