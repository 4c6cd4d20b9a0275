import { expect, it } from "vitest";
import { OutputMeter } from "../../../src/executor/output-meter.ts";
import type { ScriptLog, StepHost } from "../../../src/executor/step-runner.ts";

const record = (message: string): ScriptLog => ({ level: "info", message, at: 0 });

function metered(limitBytes: number | undefined) {
  const logged: string[] = [];
  let passed = 0;
  const meter = new OutputMeter(limitBytes, () => {
    passed += 1;
  });
  const host = meter.countingLogs({ log: ({ message }) => void logged.push(message) } as Partial<StepHost> as StepHost);
  return { meter, host, logged, passed: () => passed };
}

it("counts what is printed and what is logged together, in bytes, and tells once that it is too much", () => {
  const { meter, host, logged, passed } = metered(10);
  meter.add(6);
  host.log(record("éé"));
  expect([meter.isPassed, passed()]).toEqual([false, 0]);
  host.log(record("x"));
  meter.add(5);
  expect([meter.isPassed, passed()]).toEqual([true, 1]);
  expect(logged).toEqual(["éé", "x"]);
});

it("lets everything pass where there is no limit", () => {
  const { meter, passed } = metered(undefined);
  meter.add(Number.MAX_SAFE_INTEGER);
  expect([meter.isPassed, passed()]).toEqual([false, 0]);
});
