import { afterAll, beforeAll, expect, test } from "vitest";
import { fx, fxJson } from "../../support/cli.ts";
import { eventually } from "../../support/eventually.ts";
import { TestPlatform } from "../../support/platform.ts";

let platform: TestPlatform;
beforeAll(async () => {
  platform = await TestPlatform.start({ alertsEveryMs: 50 });
  await platform.deploy("till", { "main.py": "raise SystemExit(1)", "manifest.json": '{"trigger_events": ["sold"]}' });
});
afterAll(() => platform.stop());

test("a rule is added, shown, changed and removed; what is wrong names the command that helps", async () => {
  const words = ["alerts", "add", "slow", "duration", "--service", "till", "--deviations", "3", "--severity", "info"];
  const made = await fxJson<{ condition: object; severity: string }>(words, platform);
  expect(made).toMatchObject({
    severity: "info",
    condition: { kind: "duration", service: "default/till", deviations: 3 },
  });
  expect(await fx(["alerts", "show", "slow"], platform)).toMatchObject({
    code: 0,
    out: expect.stringMatching(/slow\s+\(all\)\s+info\s+on\s+duration service=default\/till deviations=3/),
  });
  const changed = ["alerts", "change", "slow", "silence", "--type", "beat", "--for", "10m", "--off"];
  expect(await fxJson(changed, platform)).toMatchObject({
    active: false,
    condition: { kind: "silence", type: "beat", for: 600 },
  });
  expect(await fx(["alerts", "rules"], platform)).toMatchObject({
    out: expect.stringMatching(/off\s+silence type=beat/),
  });
  const wrong: [string[], string][] = [
    [["add", "x", "noise"], "there are failure-rate, lateness, silence, duration, log-pattern"],
    [["add", "x", "silence", "--percent", "3"], "silence takes no --percent, but --type, --for"],
    [["change", "slow"], "nothing to change was named"],
    [["show", "nothing"], "fx alerts rules"],
    [["try", "lateness"], "how late it was once is not kept"],
  ];
  for (const [more, talk] of wrong) {
    const result = await fx(["alerts", ...more], platform);
    expect(result.code).not.toBe(0);
    expect(result.talk).toContain(talk);
  }
  expect(await fx(["alerts", "remove", "slow"], platform)).toMatchObject({ code: 0, out: "removed rule slow\n" });
  expect(await fxJson(["alerts", "rules"], platform)).toEqual([]);
});

test("what was raised is listed, and what a rule would have raised is told", async () => {
  await fxJson(["alerts", "add", "failing", "failure-rate", "--minimum", "2", "--window", "1h"], platform);
  await platform.send({ id: "1", type: "sold" }, { id: "2", type: "sold" });
  await eventually(async () => {
    const { out } = await fx(["alerts", "--open", "--rule", "failing"], platform);
    expect(out).toMatch(/open\s+warning\s+failing\s+default\/till .* 2 of 2 runs of default\/till failed within 1 h/);
    return true;
  });
  const tried = await fx(["alerts", "try", "failure-rate", "--minimum", "2"], platform);
  expect(tried).toMatchObject({
    code: 0,
    out: expect.stringMatching(/^1 alert would have been raised.*\n.*2 of 2 runs/),
  });
});
