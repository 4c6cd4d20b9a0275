import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { fx, fxJson, root } from "../../support/cli.ts";
import { writeFiles } from "../../support/service-directory.ts";
import { tempDir } from "../../support/temp-dir.ts";

interface Trial {
  status: string;
  error: { message: string } | null;
  steps: { script: string; exitCode: number | null; output: string }[];
  emitted: { type: string; data: unknown; correlationid: string }[];
  state: Record<string, unknown>;
  later: string[];
}

describe("fx init", () => {
  it.each([
    ["python", "main.py"],
    ["typescript", "main.ts"],
  ])("makes a service in %s that runs as it is", async (language, script) => {
    const directory = join(tempDir(), "greeter");
    const made = await fx(["init", directory, "--language", language], {});
    expect([made.code, made.out]).toEqual([0, expect.stringContaining(script)]);
    const { status, steps, emitted } = await fxJson<Trial>(["try", directory], {});
    expect([status, steps.map(({ output }) => output)]).toEqual(["completed", ["Hello, Ada!\n"]]);
    expect(emitted).toMatchObject([{ type: "greeter.greeted", data: { name: "Ada" } }]);
  });

  it("gives the editor the schemas that the platform checks by", async () => {
    const directory = join(tempDir(), "greeter");
    await fx(["init", directory], {});
    const manifest = JSON.parse(readFileSync(join(directory, "manifest.json"), "utf8")) as { $schema: string };
    const schema = JSON.parse(readFileSync(join(directory, manifest.$schema), "utf8")) as object;
    const published = JSON.parse(readFileSync(join(root, "docs/schemas/manifest.schema.json"), "utf8")) as object;
    expect(schema).toEqual(published);
  });

  it("leaves a directory alone that holds something, and says what is wrong with a name", async () => {
    const directory = writeFiles(join(tempDir(), "Mine Alone"), { "mine.txt": "mine" });
    const { code, talk } = await fx(["init", directory], {});
    expect([code, talk]).toEqual([2, expect.stringContaining("cannot be the service's name")]);
    const named = await fx(["init", directory, "--name", "mine"], {});
    expect([named.code, named.talk]).toEqual([1, expect.stringContaining("is not empty")]);
  });
});

describe("fx try", () => {
  it("runs a service with its event, configuration, secrets and state, and routes nothing", async () => {
    const directory = writeFiles(join(tempDir(), "counter"), {
      "main.py": [
        "from fx_ef import context",
        "seen = context.state.get().get('seen', 0) + 1",
        "context.state.put('seen', seen)",
        "print(context.event['type'], context.params['n'], context.config['limit'], len(context.secrets.get('key')))",
        "context.events.send('count.asked', {'n': seen})",
        "context.scheduler.retry(minutes=5)",
      ].join("\n"),
      "manifest.json": JSON.stringify({ trigger_events: ["count.*"], retries: 3 }),
      "config.json": JSON.stringify({ limit: 7 }),
      "ef_env.json": JSON.stringify({ secrets: { key: "twelve-chars" } }),
      "ef_package_state.json": JSON.stringify({ seen: 41 }),
      "mine.json": JSON.stringify({ type: "count.begun", data: { n: 5 } }),
    });
    const trial = await fxJson<Trial>(["try", directory, "--event", join(directory, "mine.json")], {});
    expect(trial).toMatchObject({
      status: "completed",
      steps: [{ script: "main.py", exitCode: 0, output: "count.begun 5 7 12\n" }],
      emitted: [{ type: "count.asked", data: { n: 42 } }],
      state: { seen: 42 },
      later: [expect.stringMatching(/Z$/)],
    });
    expect(JSON.parse(readFileSync(join(directory, "ef_package_state.json"), "utf8"))).toEqual({ seen: 41 });
  });

  it("ends with 5 at the first failure, and shows what the script wrote", async () => {
    const directory = writeFiles(join(tempDir(), "failing"), {
      "main.py": "print('before')\nraise ValueError('no such city')\n",
      "manifest.json": JSON.stringify({ retries: { count: 5, delay: 60 } }),
    });
    const { code, out, talk } = await fx(["try", directory, "--data", "{}"], {});
    expect([code, out]).toEqual([5, expect.stringMatching(/before\n.*ValueError: no such city/s)]);
    expect(talk).toContain("main.py ended with exit code 1");
  });

  it("says what keeps a service from being deployed", async () => {
    const directory = writeFiles(join(tempDir(), "wrong"), { "main.py": "print(\n" });
    const { code, talk } = await fx(["try", directory], {});
    expect([code, talk]).toEqual([1, expect.stringContaining("main.py:1")]);
  });

  it("refuses a file that holds no event", async () => {
    const directory = writeFiles(join(tempDir(), "quiet"), { "main.py": "", "event.json": '{"type": ""}' });
    const { code, talk } = await fx(["try", directory], {});
    expect([code, talk]).toEqual([2, expect.stringContaining("is not a CloudEvent")]);
  });
});
