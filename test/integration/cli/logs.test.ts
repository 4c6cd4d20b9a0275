import { afterAll, beforeAll, expect, test } from "vitest";
import { fx, fxJson, startFx } from "../../support/cli.ts";
import { eventually } from "../../support/eventually.ts";
import { TestPlatform } from "../../support/platform.ts";

let platform: TestPlatform;
beforeAll(async () => {
  platform = await TestPlatform.start();
  await platform.deploy("greet", {
    "main.py":
      "from fx_ef import context, get_param\nprint('hello', get_param('name'))\ncontext.logging.error('all is lost')",
    "manifest.json": '{"trigger_events": ["hello.asked"]}',
  });
  await platform.send({ type: "hello.asked", id: "h-1", data: { name: "Ada" } });
  await platform.settled(1);
});
afterAll(() => platform.stop());

test("logs finds lines of all runs, and those of one by its id; a wrong query says where it is wrong", async () => {
  await eventually(async () => {
    const { out } = await fx(["logs", "ada", "service:greet"], platform);
    expect(out).toMatch(/default\/greet {2}stdout {2}hello Ada\n$/);
    return true;
  });
  const lines = await fxJson<{ text: string; level: string }[]>(["logs", "level:>=error", "is lost"], platform);
  expect(lines).toMatchObject([{ level: "error", text: "all is lost" }]);
  const none = await fx(["logs", "--since", "1h", "--", "-hello", "-lost"], platform);
  expect(none).toMatchObject({ code: 0, out: "", talk: expect.stringContaining("no line matches") });
  const [run] = await platform.executions();
  expect((await fx(["logs", run?.id ?? ""], platform)).out).toContain("hello Ada\n");
  const wrong = await fx(["logs", "colour:red"], platform);
  expect(wrong.code).not.toBe(0);
  expect(wrong.talk).toContain('"colour" is no field');
});

test("logs --follow with a query prints new lines that match", async () => {
  const tail = startFx(["logs", "--follow", "hello"], platform);
  await eventually(() => tail.talk.includes("waiting for lines"));
  let n = 0;
  // The stream begins when the server has it, which only its first line shows.
  await eventually(async () => {
    n += 1;
    await platform.send({ type: "hello.asked", id: `f-${n}`, data: { name: "Bob" } });
    await platform.settled(n + 1);
    return tail.out.includes("hello Bob");
  });
  expect(tail.out).not.toContain("lost");
});

test("stats counts what ended, by service and status", async () => {
  const { out } = await eventually(async () => {
    const found = await fx(["stats"], platform);
    expect(found.out).toMatch(/service +status +count +p50 .*\n *default\/greet +completed +\d+/);
    return found;
  });
  expect(out.split("\n").filter((line) => line !== "")).toHaveLength(2);
});
