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

test("logs --service and --project keep to lines of one, whatever the query is, and do not go with an execution's id", async () => {
  const files = (word: string) => ({ "main.py": `print('${word} is said')` });
  await platform.deploy("left", files("this"));
  await platform.deploy("right", files("that"), "other");
  await fx(["run", "left", "--wait"], platform);
  await fx(["run", "other/right", "--wait"], platform);
  const said = async (...args: string[]) => {
    const lines = await fxJson<{ text: string }[]>(["logs", ...args], platform);
    return lines.map(({ text }) => text);
  };
  await eventually(async () => (await said("is said")).length === 2);
  expect(await said("--service", "left")).toEqual(["this is said"]);
  expect(await said("--service", "other/right", "this OR said")).toEqual(["that is said"]);
  expect(await said("--service", "right", "--project", "other")).toEqual(["that is said"]);
  expect(await said("--project", "other", "said")).toEqual(["that is said"]);
  expect(await said("--service", "left", "that")).toEqual([]);
  const wrong = await fx(["logs", "--service", "left", "colour:red"], platform);
  expect(wrong.talk).toContain("character 1 of the query");
  const [run] = await platform.executions();
  const both = await fx(["logs", run?.id ?? "", "--service", "left"], platform);
  expect([both.code, both.talk]).toEqual([2, expect.stringContaining("do not go together")]);
});
