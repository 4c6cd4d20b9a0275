import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { eventually } from "../../support/eventually.ts";
import { TestPlatform } from "../../support/platform.ts";

const sources = {
  python: {
    "main.py": `import store
from fx_ef import context
store.runs += 1
print(store.runs, context.secrets.get("token"), flush=True)
print(context.secrets.get("token")[:9], end="", flush=True)
print(context.secrets.get("token")[9:])
context.events.send("warm.made", {"n": context.params["n"]})
if context.params["n"] == 2: raise ValueError(context.secrets.get("token"))`,
    "store.py": "runs = 0",
  },
  typescript: {
    "main.ts": `import { context } from "@streamzero/fx";
import { store } from "./store.ts";
store.runs += 1;
const token = (await context.secrets.get("token")) as string;
console.log(store.runs, token);
process.stdout.write(token.slice(0, 9));
console.log(token.slice(9));
await context.events.send("warm.made", { n: context.params.get("n") });
if (context.params.get("n") === 2) throw new Error(token);`,
    "store.ts": "export const store = { runs: 0 };",
  },
};

describe.each([
  ["python", undefined],
  ["typescript", "bun"],
  ["typescript", "node"],
] as const)("a warm service in %s (%s)", (language, runtime) => {
  let platform: TestPlatform;
  beforeAll(async () => {
    platform = await TestPlatform.start({}, { FX_EXECUTOR_LEVEL: "warm" });
  });
  afterAll(() => platform.stop());

  it("S5: runs in one process, is replayed in another, and its secret is nowhere in what it prints", async () => {
    const files = sources[language];
    const [entrypoint] = Object.keys(files);
    const manifest = JSON.stringify({ entrypoint, runtime, trigger_events: ["warm.wanted"], retries: 0 });
    const secrets = JSON.stringify({ token: "the-planted-secret" });
    await platform.deploy("warm", { ...files, "manifest.json": manifest, "secrets.json": secrets });
    for (const n of [1, 2, 3]) {
      await platform.send({ id: `w-${n}`, type: "warm.wanted", correlationid: `flow-${n}`, data: { n } });
      await platform.settled(n);
    }
    // The newest comes first.
    const runs = (await platform.executions()).reverse();
    expect(runs.map(({ status }) => status)).toEqual(["completed", "failed", "completed"]);
    const printed = (await Promise.all(runs.map(({ id }) => platform.outputs(id)))).map(([text = ""]) => text);
    for (const [index, text] of printed.entries()) {
      expect(text).toMatch(new RegExp(`^${index + 1} \\[secret token\\]\n\\[secret token\\]\n`));
      expect(text).not.toContain("planted");
    }
    const { body } = await platform.request<{ id: string }>("POST", "/api/v1/flows/replay", {
      json: { correlationid: "flow-1" },
    });
    const done = await eventually(async () => {
      const replay = await platform.request<ReplayJson>("GET", `/api/v1/replays/${body.id}`);
      if (replay.body.status !== "done") throw new Error(replay.body.status);
      return replay.body;
    });
    // It meets no module that has seen the runs.
    expect(done.entries).toMatchObject([{ verdict: "same", output: [{ n: 1, same: true }] }]);
    await platform.send({ id: "w-4", type: "warm.wanted", data: { n: 4 } });
    await platform.settled(4, "&trigger=event");
    const [last] = await platform.executions("&trigger=event");
    expect(await platform.outputs(last?.id ?? "")).toEqual(["4 [secret token]\n[secret token]\n"]);
  });
});

interface ReplayJson {
  status: string;
  entries: { verdict: string; output: { n: number; same: boolean }[] }[];
}
