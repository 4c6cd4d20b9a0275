import { expect, test } from "vitest";
import type { Labels } from "../metrics/figure.ts";
import type { MetricSample, MetricValue } from "../metrics/metric-sample.ts";
import type { OpsDataContract } from "./ops-data.contract.ts";
import type { MetricQuery } from "./ops-data.ts";

const minuteMs = 60_000;
const begin = Date.UTC(2026, 0, 1, 23, 58);

/** What every driver promises of what processes measured. Calls `test`; call it inside a `describe`. */
export function metricsContract({ open }: OpsDataContract): void {
  const gauge = (name: string, value: number, labels?: Labels): MetricValue => ({
    name,
    kind: "gauge",
    value,
    ...(labels && { labels }),
  });
  const sample = (minute: number, process: string, ...values: MetricValue[]): MetricSample => ({
    at: begin + minute * minuteMs,
    labels: { process, host: "h" },
    values,
  });
  const query = (names: readonly string[], changes: Partial<MetricQuery> = {}): MetricQuery => ({
    names,
    where: {},
    from: begin,
    to: begin + 10 * minuteMs,
    stepMs: minuteMs,
    ...changes,
  });

  test("values are read back as series by their labels, in steps of average and highest, also after a restart", async () => {
    const { opsData, reopen } = await open();
    const lag = (process: string, ...minutes: [number, number][]) =>
      minutes.map(([minute, value]) => sample(minute, process, gauge("lag", value, { topic: "t" })));
    await opsData.metrics.record([...lag("b", [0, 5]), ...lag("a", [0, 1], [0.5, 4], [3, 7])]);
    const expected = [
      {
        name: "lag",
        kind: "gauge",
        labels: { host: "h", process: "a", topic: "t" },
        steps: [
          { at: begin, average: 2.5, highest: 4 },
          { at: begin + 3 * minuteMs, average: 7, highest: 7 },
        ],
      },
      {
        name: "lag",
        kind: "gauge",
        labels: { host: "h", process: "b", topic: "t" },
        steps: [{ at: begin, average: 5, highest: 5 }],
      },
    ];
    expect(await opsData.metrics.series(query(["lag"]))).toEqual(expected);
    expect(await (await reopen()).metrics.series(query(["lag"]))).toEqual(expected);
  });

  test("a sample that comes again changes nothing, alone or among others", async () => {
    const { opsData } = await open();
    await opsData.metrics.record([sample(0, "a", gauge("lag", 1))]);
    await opsData.metrics.record([sample(0, "a", gauge("lag", 9)), sample(1, "a", gauge("lag", 2))]);
    const [series] = await opsData.metrics.series(query(["lag"]));
    expect(series?.steps.map(({ average }) => average)).toEqual([1, 2]);
  });

  test("only what was asked for is answered: names, labels, the beginning of its time and not its end", async () => {
    const { opsData } = await open();
    const values = [gauge("lag", 1), gauge("memory", 0.25), { ...gauge("cpu", 3), kind: "counter" as const }];
    await opsData.metrics.record([sample(0, "a", ...values), sample(2, "b", ...values)]);
    const namesOf = async (changes: Partial<MetricQuery>) =>
      (await opsData.metrics.series(query(["cpu", "lag"], changes))).map(({ name, labels }) => [name, labels.process]);
    expect(await namesOf({})).toEqual([
      ["cpu", "a"],
      ["cpu", "b"],
      ["lag", "a"],
      ["lag", "b"],
    ]);
    expect(await namesOf({ where: { process: "b", host: "h" } })).toEqual([
      ["cpu", "b"],
      ["lag", "b"],
    ]);
    expect(await namesOf({ where: { process: "b", host: "other" } })).toEqual([]);
    expect(await namesOf({ to: begin + 2 * minuteMs })).toEqual([
      ["cpu", "a"],
      ["lag", "a"],
    ]);
    expect(await opsData.metrics.series(query(["unknown"]))).toEqual([]);
  });

  test("the names of a time are told with their kind and how many series they have", async () => {
    const { opsData } = await open();
    const cpu: MetricValue = { name: "cpu", kind: "counter", value: 3 };
    await opsData.metrics.record([sample(0, "a", cpu, gauge("lag", 1)), sample(5, "b", cpu)]);
    expect(await opsData.metrics.names({ from: begin, to: begin + 6 * minuteMs })).toEqual([
      { name: "cpu", kind: "counter", series: 2 },
      { name: "lag", kind: "gauge", series: 1 },
    ]);
    expect(await opsData.metrics.names({ from: begin + minuteMs, to: begin + 6 * minuteMs })).toEqual([
      { name: "cpu", kind: "counter", series: 1 },
    ]);
    expect(await opsData.metrics.names({ from: begin + 7 * minuteMs, to: begin + 8 * minuteMs })).toEqual([]);
  });

  test("D13: what is past its age is deleted, and what is not stays", async () => {
    const { opsData } = await open();
    await opsData.metrics.record([
      sample(0, "a", gauge("lag", 1), gauge("memory", 1)),
      sample(4, "a", gauge("lag", 2)),
      sample(5, "b", gauge("lag", 3)),
    ]);
    expect(await opsData.metrics.prune(begin + 4 * minuteMs)).toBe(2);
    expect(await opsData.metrics.prune(begin + 4 * minuteMs)).toBe(0);
    const left = await opsData.metrics.series(query(["lag", "memory"]));
    expect(left.map(({ name, labels, steps }) => [name, labels.process, steps.length])).toEqual([
      ["lag", "a", 1],
      ["lag", "b", 1],
    ]);
  });

  test("an answer that would be too large is refused with the way out", async () => {
    const { opsData } = await open();
    // 60 series of 850 steps: more than 50,000.
    const values = Array.from({ length: 60 }, (_, n) => gauge("lag", n, { topic: `t-${n}` }));
    for (let at = 0; at < 850; at += 50) {
      await opsData.metrics.record(Array.from({ length: 50 }, (_, n) => sample((at + n) / 100, "a", ...values)));
    }
    const all = query(["lag"], { to: begin + 20 * minuteMs, stepMs: 600 });
    await expect(opsData.metrics.series(all)).rejects.toMatchObject({ code: "limit-exceeded" });
    expect(await opsData.metrics.series({ ...all, stepMs: minuteMs })).toHaveLength(60);
    expect(await opsData.metrics.series({ ...all, where: { topic: "t-7" } })).toHaveLength(1);
  });
}
