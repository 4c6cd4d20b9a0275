import { expect, onTestFinished, test } from "vitest";
import { openSqliteBus } from "../../../src/bus/sqlite.ts";
import { topics } from "../../../src/events/topics.ts";
import { systemClock } from "../../../src/foundation/clock.ts";
import { silentLog } from "../../../src/foundation/log.ts";
import { encodeMetricSample } from "../../../src/metrics/metric-sample.ts";
import { SqliteOpsData } from "../../../src/ops-data/sqlite.ts";
import { MetricSink } from "../../../src/sinks/metric-sink.ts";
import { eventually } from "../../support/eventually.ts";

test("D12: what is no sample goes to the dead letters as it came, and those around it are stored", async () => {
  const bus = openSqliteBus({ clock: systemClock, log: silentLog, partitions: 1 });
  const opsData = await SqliteOpsData.open({ path: ":memory:", log: silentLog });
  const sink = new MetricSink({ bus, metrics: opsData.metrics, clock: systemClock, log: silentLog });
  onTestFinished(async () => {
    await sink.stop();
    await bus.close();
    await opsData.close();
  });
  const sample = (at: number) =>
    encodeMetricSample("p", { at, labels: { process: "p" }, values: [{ name: "lag", kind: "gauge", value: at }] });
  const poison = { topic: topics.metrics, key: "p", value: Buffer.from("no sample") };
  await bus.publish([sample(1), poison, sample(2)]);
  await sink.start();

  const query = { names: ["lag"], where: {}, from: 0, to: 10, stepMs: 1 };
  const values = await eventually(async () => {
    const [series] = await opsData.metrics.series(query);
    return series?.steps.length === 2 ? series.steps.map(({ average }) => average) : undefined;
  });
  expect(values).toEqual([1, 2]);

  const dead = await bus.subscribe({ group: "test", topics: [topics.deadLetter], from: "earliest", maxRecords: 1 });
  const [letter] = (await dead.next(AbortSignal.timeout(20_000))) ?? [];
  await dead.close();
  expect(Buffer.from(letter?.value ?? []).toString()).toBe("no sample");
  expect(decodeURIComponent(letter?.headers?.["fx-reason"] ?? "")).toBe("is not a sample of metrics");
});
