import { expect, test } from "vitest";
import type { MetricKind } from "../../../src/metrics/figure.ts";
import { combineSeries, type Series } from "../../../src/metrics/series.ts";

const stepMs = 10_000;

/** Values by step; the highest is one more than the average. */
function series(kind: MetricKind, labels: Series["labels"], values: readonly (number | undefined)[]): Series {
  const steps = values.flatMap((value, n) =>
    value === undefined ? [] : [{ at: n * stepMs, average: value, highest: value + 1 }],
  );
  return { name: "m", kind, labels, steps };
}

const valuesOf = (combined: ReturnType<typeof combineSeries>) =>
  combined.map(({ labels, points }) => ({ ...labels, values: points.map(({ at, value }) => [at / stepMs, value]) }));

test("gauges of one step are added up, averaged, or the highest is taken", () => {
  const both = [series("gauge", { process: "a" }, [1, 2]), series("gauge", { process: "b" }, [3, undefined, 5])];
  const combine = (how: "sum" | "average" | "highest") => valuesOf(combineSeries(both, { by: [], how, stepMs }));
  expect(combine("sum")).toEqual([
    {
      values: [
        [0, 4],
        [1, 2],
        [2, 5],
      ],
    },
  ]);
  expect(combine("average")[0]?.values[0]).toEqual([0, 2]);
  expect(combine("highest")[0]?.values[0]).toEqual([0, 4]);
});

test("series are told apart by the labels that were asked for, and one without such a label is its own", () => {
  const three = [
    series("gauge", { service: "x", process: "a" }, [1]),
    series("gauge", { service: "x", process: "b" }, [2]),
    series("gauge", { process: "a" }, [4]),
  ];
  expect(valuesOf(combineSeries(three, { by: ["service"], how: "sum", stepMs }))).toEqual([
    { service: "x", values: [[0, 3]] },
    { service: "", values: [[0, 4]] },
  ]);
});

test("of a counter the growth a second is told, over steps in which nobody measured too", () => {
  const counter = series("counter", {}, [100, 150, undefined, 250]);
  expect(valuesOf(combineSeries([counter], { by: [], how: "sum", stepMs }))).toEqual([
    {
      values: [
        [1, 5],
        [3, 5],
      ],
    },
  ]);
});

test("a counter that went back has not grown", () => {
  const counter = series("counter", {}, [100, 20]);
  expect(combineSeries([counter], { by: [], how: "sum", stepMs })[0]?.points).toEqual([{ at: stepMs, value: 0 }]);
});
