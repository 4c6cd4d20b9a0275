import { afterAll, beforeAll, expect, test } from "vitest";
import { fx, fxJson } from "../../support/cli.ts";
import { TestPlatform } from "../../support/platform.ts";

let platform: TestPlatform;
beforeAll(async () => {
  platform = await TestPlatform.start();
  const files = (script: string) => ({
    "manifest.json": JSON.stringify({ entrypoint: "main.py", trigger_events: ["bill.due"] }),
    "main.py": script,
  });
  await platform.deploy("bill", files("print('billing')\nraise SystemExit(1)\n"));
  await platform.send({ id: "bill-1", type: "bill.due", correlationid: "bills" });
  await platform.settled(1, "&correlationid=bills");
  await platform.deploy("bill", files("print('billed')\n"));
});
afterAll(() => platform.stop());

test("fx replay --wait prints the verdict and what differs; --exit-code makes a difference an exit code", async () => {
  const fixed = await fx(["replay", "bills", "--version", "bill=active", "--wait", "--exit-code"], platform);
  expect(fixed).toMatchObject({ code: 0, out: expect.stringMatching(/default\/bill +fixed .*failed → completed/) });
  expect(fixed.out).toMatch(/-billing\n +\+billed/);
  expect(fixed.out).toContain("1 fixed");

  const [original] = await platform.executions("&trigger=event");
  const same = await fx(["replay", original?.id ?? "", "--wait", "--exit-code"], platform);
  expect(same).toMatchObject({ code: 0, out: expect.stringContaining("1 same") });

  const back = await fx(["run", "bill", "--wait"], platform);
  expect(back.code).toBe(0);
  const [run] = await platform.executions("&trigger=manual");
  const broken = `default/bill=${original?.version}`;
  const failed = await fx(["replay", run?.id ?? "", "--version", broken, "--wait", "--exit-code"], platform);
  expect(failed).toMatchObject({ code: 8, out: expect.stringContaining("failed-now") });
});

test("without --wait it names the replay, which fx replays lists, shows and deletes", async () => {
  const { id } = await fxJson<{ id: string }>(["replay", "bills"], platform);
  await platform.settled(1, "&trigger=replay");
  expect((await fx(["replays", "--correlation", "bills"], platform)).out).toContain(id);
  expect((await fx(["replays", "show", id], platform)).out).toContain("1 same");
  expect((await fx(["replays", "delete", id], platform)).code).toBe(0);
  expect((await fx(["replays", "show", id], platform)).code).toBe(3);
});

test("a flow that is not there, and a version that is written wrongly, are told with the command that helps", async () => {
  expect(await fx(["replay", "no-such-flow"], platform)).toMatchObject({ code: 3 });
  const wrong = await fx(["replay", "bills", "--version", "bill"], platform);
  expect(wrong).toMatchObject({ code: 2, talk: expect.stringContaining("project/service=VERSION") });
});
