import { expect, test } from "vitest";
import type { Log } from "../../../src/foundation/log.ts";
import { Outage } from "../../../src/foundation/outage.ts";
import { ManualClock } from "../../support/manual-clock.ts";

function scene(steadyMs?: number) {
  const clock = new ManualClock();
  const told: string[] = [];
  const tell = (facts: object, text: string) => {
    told.push(`${text} ${JSON.stringify(facts)}`);
  };
  const log = { debug: tell, info: tell, warn: tell, error: tell } as unknown as Log;
  const outage = new Outage({ clock, log, fails: "fails", works: "works", ...(steadyMs && { steadyMs }) });
  return { clock, outage, told };
}

test("an outage is told at its first failure and at its end, with how long it was and how often it was tried", () => {
  const { clock, outage, told } = scene();
  outage.worked();
  for (const reason of ["refused", "not within 5 s", "refused"]) {
    outage.failed(new Error(reason));
    clock.advance(10_000);
  }
  outage.worked();
  outage.worked();
  expect(told).toEqual(['fails {"error":"refused"}', 'works {"failures":3,"seconds":30}']);
});

test("what comes and goes is one outage: it is over once it has worked for long enough", () => {
  const { clock, outage, told } = scene(5000);
  for (let n = 0; n < 10; n += 1) {
    outage.failed(new Error("refused"));
    clock.advance(1000);
    outage.worked();
    clock.advance(1000);
  }
  expect(told).toHaveLength(1);
  clock.advance(5000);
  outage.worked();
  expect(told[1]).toBe('works {"failures":10,"seconds":19}');
  outage.failed(new Error("refused"));
  expect(told).toHaveLength(3);
});
