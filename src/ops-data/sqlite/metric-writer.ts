import type { DatabaseSync, StatementSync } from "node:sqlite";
import { inTransaction } from "../../foundation/sqlite-file.ts";
import type { Labels, MetricKind } from "../../metrics/figure.ts";
import { labelsText, type MetricSample } from "../../metrics/metric-sample.ts";

const rowsAtOnce = 5000;

/** What processes measured, a row for each value. */
export class MetricWriter {
  readonly #database: DatabaseSync;
  readonly #addSeries: StatementSync;
  readonly #idOf: StatementSync;
  readonly #addValue: StatementSync;
  readonly #prune: StatementSync;
  readonly #forgetSeries: StatementSync;

  constructor(database: DatabaseSync) {
    this.#database = database;
    this.#addSeries = database.prepare(
      "insert into metric_series (name, kind, labels) values (?, ?, ?) on conflict (name, labels) do nothing",
    );
    this.#idOf = database.prepare("select id from metric_series where name = ? and labels = ?");
    this.#addValue = database.prepare(
      "insert into metric_values (series, at, value) values (?, ?, ?) on conflict (series, at) do nothing",
    );
    // By series, of which there are few: no index by time has to be kept for it.
    this.#prune = database.prepare(
      `delete from metric_values where (series, at) in
         (select metric_values.series, at from metric_series join metric_values on series = id where at < ? limit ${rowsAtOnce})`,
    );
    this.#forgetSeries = database.prepare(
      "delete from metric_series where not exists (select 1 from metric_values where series = id)",
    );
  }

  record(samples: readonly MetricSample[]): void {
    inTransaction(this.#database, () => {
      for (const { at, labels: common, values } of samples) {
        for (const { name, kind, labels, value } of values) {
          this.#addValue.run(this.#seriesOf(name, kind, { ...common, ...labels }), at, value);
        }
      }
    });
  }

  pruneSome(before: number): number {
    return inTransaction(this.#database, () => {
      const pruned = Number(this.#prune.run(before).changes);
      if (pruned < rowsAtOnce) this.#forgetSeries.run();
      return pruned;
    });
  }

  #seriesOf(name: string, kind: MetricKind, labels: Labels): number {
    const text = labelsText(labels);
    const known = this.#idOf.get(name, text) as { id: number } | undefined;
    return known?.id ?? Number(this.#addSeries.run(name, kind, text).lastInsertRowid);
  }
}
