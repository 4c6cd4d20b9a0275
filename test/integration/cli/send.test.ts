import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, onTestFinished, test } from "vitest";
import { fx, fxJson, root } from "../../support/cli.ts";
import { TestPlatform, testToken } from "../../support/platform.ts";
import { screenOf } from "../../support/screen.ts";
import { writeFiles } from "../../support/service-directory.ts";
import { tempDir } from "../../support/temp-dir.ts";

let platform: TestPlatform;
beforeAll(async () => {
  platform = await TestPlatform.start();
  await fx(["deploy", join(root, "examples/chain")], platform);
  const slow = { "main.py": "import time\ntime.sleep(60)", "manifest.json": '{"trigger_events": ["sleep.asked"]}' };
  await platform.deploy("slow", slow);
});
afterAll(() => platform.stop());

const order = ["send", "order.placed", "--data"];

test("--wait shows the whole chain as a tree, with what each run printed, and ends with 0", async () => {
  const { code, out, talk } = await fx([...order, '{"order": 7, "items": {"bread": 2}}', "--wait"], platform);
  expect({ code, talk }).toEqual({ code: 0, talk: expect.stringContaining("3 events, 2 executions") });
  const words = out.split("\n").map((line) => line.replace(/[│├└─ ]+/g, " ").trim());
  const expected = [
    /^◆ order\.placed/,
    /^■ default\/price-order completed \d/,
    /^order 7: 6\.40$/,
    /^◆ order\.priced/,
    /^■ default\/confirm-order completed \d/,
    /^Dear customer, your order 7 comes to 6\.40\.$/,
    /^◆ order\.confirmed .*unmatched/,
  ];
  expect(words.filter((word) => word !== "")).toEqual(expected.map((pattern) => expect.stringMatching(pattern)));
});

test("--wait tells at a terminal what happens until the tree takes its place, and elsewhere leaves it on standard error", async () => {
  const words = [...order, '{"order": 9, "items": {"bread": 1}}', "--wait"];
  const spawned = ["-c", "import pty, sys; sys.exit(pty.spawn(sys.argv[1:]) >> 8)"];
  const env = {
    ...process.env,
    FX_URL: platform.url,
    FX_TOKEN: testToken,
    TERM: "xterm-256color",
    // Each of them makes a terminal one without colours.
    CI: undefined,
    NO_COLOR: undefined,
    FORCE_COLOR: undefined,
    NODE_DISABLE_COLORS: undefined,
  };
  const command = [...spawned, process.execPath, join(root, "src/cli/main.ts"), ...words];
  const { stdout } = await promisify(execFile)("python3", command, { env });
  // It was told, and is not to be seen any more.
  expect(stdout).toContain("◆ order.placed → default/price-order");
  const seen = screenOf(stdout).filter((row) => row !== "");
  const at = seen.findIndex((row) => row.startsWith("◆ order.placed"));
  expect(seen.slice(0, at)).toEqual([]);
  expect(seen.filter((row) => row.includes("price-order"))).toHaveLength(1);
  expect(seen.at(-2)).toContain("3 events, 2 executions");
  const { out, talk } = await fx(words, platform);
  expect(talk).toMatch(/^◆ order\.placed → default\/price-order\n/);
  expect(out).toMatch(/^◆ order\.placed\n/);
});

test("--wait ends with 5 when something in the flow failed, and names the command that shows it", async () => {
  const { code, out, talk } = await fx([...order, '{"order": 8, "items": {"gold": 1}}', "--wait"], platform);
  expect(code).toBe(5);
  expect(out).toContain("no price is known for gold");
  expect(talk).toMatch(/1 failed\n {2}fix: fx show [0-9a-f-]{36}/);
});

test("--wait ends with 5 when an event of the flow was rejected, and names the command that explains it", async () => {
  const narrow = await TestPlatform.start({ limitsHops: 2 });
  onTestFinished(() => narrow.stop());
  const again = 'from fx_ef import context\ncontext.events.send("round.asked")';
  await narrow.deploy("round", { "main.py": again, "manifest.json": '{"trigger_events": ["round.asked"]}' });
  const { code, talk } = await fx(["send", "round.asked", "--wait"], narrow);
  expect({ code, talk }).toEqual({ code: 5, talk: expect.stringMatching(/1 event rejected\n {2}fix: fx why \S+\n$/) });
});

test("--wait ends with 7 when the flow is not quiet in time, and leaves it running", async () => {
  const { code, talk } = await fx(["send", "sleep.asked", "--wait", "0.5"], platform);
  expect(code).toBe(7);
  const flow = /fix: fx flow (\S+)/.exec(talk)?.[1] ?? "";
  const { executions } = await fxJson<{ executions: { id: string; status: string }[] }>(["flow", flow], platform);
  expect(executions).toMatchObject([{ status: expect.stringMatching(/pending|in_progress/) }]);
  await fx(["cancel", executions[0]?.id ?? ""], platform);
});

test("the same id and source again is the same event, and nothing runs twice", async () => {
  const words = [...order, '{"order": 9, "items": {"bread": 1}}', "--id", "order-9"];
  const first = await fxJson<{ key: string; duplicate: boolean }>(words, platform);
  await fx(["send", "settle", "--wait"], platform);
  const second = await fxJson<{ key: string; duplicate: boolean }>(words, platform);
  expect([first.duplicate, second]).toEqual([false, { ...first, duplicate: true }]);
  await fx(["send", "settle", "--wait"], platform);
  const runs = await fxJson<unknown[]>(["executions", "--event", first.key], platform);
  expect(runs).toHaveLength(1);
});

test("data comes from a file, as its text where it is no JSON, or from standard input", async () => {
  const file = join(writeFiles(tempDir(), { "rows.csv": "a,b\n1,2\n" }), "rows.csv");
  const sent = async (data: string, input = "") => {
    const { key } = await fxJson<{ key: string }>(["send", "data.sent", "--data", data], { url: platform.url, input });
    return (await fxJson<{ event: unknown }>(["why", key], platform)).event;
  };
  expect(await sent(`@${file}`)).toMatchObject({ data: "a,b\n1,2\n", datacontenttype: "text/csv" });
  expect(await sent("-", '{"from": "a pipe"}')).toMatchObject({ data: { from: "a pipe" } });
});

test("run starts a service by name, with parameters, and shows its output", async () => {
  const { code, out } = await fx(
    ["run", "price-order", "--data", '{"order": 3, "items": {"apple": 1}}', "--wait"],
    platform,
  );
  expect(code).toBe(0);
  expect(out).toContain("order 3: 0.40");
});

test.each([
  ["a type that is the platform's own", ["send", "fx.service.deployed"], 6],
  ["a service that does not exist", ["run", "nobody"], 3],
  ["an unknown command", ["snd", "order.placed"], 2],
  ["data that is no JSON", ["send", "a", "--data", "{a:1}"], 2],
  ["a bare --wait before the type", ["send", "--wait", "order.placed"], 2],
])("%s ends with its exit code, and says why", async (_what, words, code) => {
  const result = await fx(words, platform);
  expect(result.code).toBe(code);
  expect(result.out).toBe("");
  expect(result.talk).toMatch(/^error: /);
});

test("a wrong token ends with 6, no platform with 4, each with what to do", async () => {
  const wrong = await fx(["services"], { url: platform.url, token: "not-the-token-0000" });
  expect(wrong).toMatchObject({ code: 6, talk: expect.stringContaining("fix: set FX_TOKEN") });
  const nobody = await fx(["services"], { url: "http://127.0.0.1:9" });
  expect(nobody).toMatchObject({ code: 4, talk: expect.stringContaining("fix: start one with `fx start`") });
});

test("D5: events that are sent with one partition key start the runs of a concurrency key in their order", async () => {
  const manifest = { trigger_events: ["turn.*"], concurrency_key: "event.data.customer" };
  await platform.deploy("turns", { "main.py": "", "manifest.json": JSON.stringify(manifest) });
  const types = ["turn.placed", "turn.paid", "turn.shipped", "turn.cancelled"];
  for (const type of types) {
    await fx(["send", type, "--data", '{"customer": "one"}', "--partition-key", "customer-one"], platform);
  }
  const runs = await platform.settled(types.length, "&service=turns");
  const started = runs.toSorted((one, other) => (one.startedAt ?? "").localeCompare(other.startedAt ?? ""));
  expect(started.map(({ eventType }) => eventType)).toEqual(types);
});
