import { spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, existsSync, readFileSync, writeFileSync } from "node:fs";
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

async function runWith(command: string, words: readonly string[], cwd: string, path: string) {
  // The runner of these tests tells its children that they are part of it.
  const { NODE_TEST_CONTEXT: _, FX: __, ...inherited } = process.env;
  const child = spawn(command, words, { cwd, env: { ...inherited, PATH: path }, stdio: ["ignore", "pipe", "pipe"] });
  let told = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8").on("data", (text: string) => {
      told += text;
    });
  }
  const [code] = (await once(child, "close")) as [number];
  return { code, told };
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

  it.each([
    ["python", "python3", ["-m", "unittest"]],
    ["typescript", process.execPath, ["--test"]],
  ])(
    "makes a test in %s that finds fx by itself, and starts no program of another package",
    async (language, command, words) => {
      const directory = join(tempDir(), "greeter");
      await fx(["init", directory, "--language", language], {});
      // On npm, the name is another package's: here it would make the test fail.
      const stranger = writeFiles(tempDir(), {
        "package.json": '{"name": "fx"}',
        "bin/fx": "#!/bin/sh\necho called >> called\nexit 1\n",
      });
      chmodSync(join(stranger, "bin/fx"), 0o755);
      const test = () => runWith(command, words, directory, `${join(stranger, "bin")}:${process.env.PATH}`);
      expect(await test()).toMatchObject({ code: 0, told: expect.stringMatching(/Ran 1 test|tests 1/) });
      for (const file of ["test_main.py", "main.test.mjs"].filter((file) => existsSync(join(directory, file)))) {
        const text = readFileSync(join(directory, file), "utf8");
        writeFileSync(join(directory, file), text.replace(join(root, "bin/fx.mjs"), "/gone/fx.mjs"));
      }
      expect(await test()).toMatchObject({ code: 1, told: expect.stringContaining("there is no fx of StreamZero FX") });
      expect(existsSync(join(directory, "called"))).toBe(false);
    },
  );

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
