import { describe, expect, test } from "vitest";
import { readManifest, retriesOf, scriptsOf, triggersOf } from "../../../src/services/manifest.ts";

function read(value: unknown) {
  const reading = readManifest(value);
  if (!reading.ok) throw new Error(JSON.stringify(reading.problems));
  return reading;
}

function problemsOf(value: unknown) {
  const reading = readManifest(value);
  return reading.ok ? [] : reading.problems;
}

describe("a manifest", () => {
  test("may be empty: everything has a default", () => {
    const { manifest, warnings } = read({});
    expect(manifest).toMatchObject({
      type: "script",
      priority: 5,
      active: true,
      allow_manual_triggering: true,
      on_lost: "retry",
    });
    expect(warnings).toEqual([]);
  });

  test("names key, what was found and what is expected when a type is wrong", () => {
    expect(
      problemsOf({ priority: "urgent", trigger_events: ["a", { type: 3 }], retries: { count: -1 }, memory: null }),
    ).toEqual([
      {
        path: "trigger_events[1]",
        message: expect.stringMatching(/must be an event type.*"filter".*found {"type":3}/),
      },
      { path: "priority", message: 'must be an integer from 1 to 10; found "urgent"' },
      { path: "memory", message: expect.stringMatching(/must be a size.*found null/) },
      { path: "retries.count", message: "must be an integer from 0 to 100; found -1" },
    ]);
    expect(problemsOf({ trigger_events: [5], retries: [] })).toEqual([
      { path: "trigger_events[0]", message: expect.stringMatching(/must be an event type.*found 5/) },
      { path: "retries", message: expect.stringMatching(/must be how many.*"count".*found \[\]/) },
    ]);
  });

  test("that is no object says so", () => {
    expect(problemsOf([])).toEqual([{ path: "(the whole file)", message: "must be an object; found []" }]);
  });

  test("warns of unknown keys and suggests the near one", () => {
    expect(read({ triggerEvents: [], colour: "red" }).warnings).toEqual([
      'manifest.json: unknown key "triggerEvents" is ignored (did you mean "trigger_events"?)',
      'manifest.json: unknown key "colour" is ignored',
    ]);
    expect(read({ tiemout: 5 }).warnings).toEqual([
      'manifest.json: unknown key "tiemout" is ignored (did you mean "timeout"?)',
    ]);
  });

  test("that is refused is told of its unknown keys as well", () => {
    expect(problemsOf({ schedul: "@daily", timeout: 0 })).toEqual([
      { path: "timeout", message: "must be a number above 0 and up to 86400; found 0" },
      { path: "schedul", message: 'is no key of a manifest (did you mean "schedule"?)' },
    ]);
  });

  test.each([
    [{ entrypoint: "a.py", execution_order: ["b.py"] }, ["a.py"]],
    [{ execution_order: ["b.py", "c.ts"] }, ["b.py", "c.ts"]],
    [{ modules: ["d.py"] }, ["d.py"]],
    [{ entry: "e.py" }, ["e.py"]],
    [{}, undefined],
  ])("gives the scripts in order: %j", (value, scripts) => {
    expect(scriptsOf(read(value).manifest)).toEqual(scripts);
  });

  test("proposes links, plain or with a filter", () => {
    const { manifest } = read({ trigger_events: ["a.b", { type: "c.*", filter: "event.data.x" }] });
    expect(triggersOf(manifest)).toEqual([
      { type: "a.b", filter: undefined },
      { type: "c.*", filter: "event.data.x" },
    ]);
  });

  test.each(["*", "a.*.b", "a b", ""])("refuses the event type %j", (type) => {
    expect(problemsOf({ trigger_events: [type] })).toHaveLength(1);
  });

  test("counts retries plainly or with their backoff in seconds", () => {
    expect(retriesOf(read({ retries: 3 }).manifest)).toEqual({
      count: 3,
      delayMs: 1000,
      maxDelayMs: 300_000,
      factor: 2,
      jitter: 0.5,
    });
    expect(retriesOf(read({ retries: { count: 2, delay: 0.5, max_delay: 4 } }).manifest)).toEqual({
      count: 2,
      delayMs: 500,
      maxDelayMs: 4000,
      factor: 2,
      jitter: 0.5,
    });
  });
});
