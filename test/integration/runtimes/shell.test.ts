import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { ProcessStepRunner } from "../../../src/executor/process-step-runner.ts";
import { PlatformError } from "../../../src/foundation/errors.ts";
import type { Json } from "../../../src/foundation/json.ts";
import { noLimits } from "../../../src/services/run-limits.ts";
import { tempDirForFile } from "../../support/temp-dir.ts";
import { shell } from "./programs.ts";
import { runtimeContract } from "./runtime-contract.ts";
import { openRunner, runScript } from "./script-runs.ts";

runtimeContract("shell", shell);
runtimeContract("shell, in a sandbox", shell, "in a sandbox");

describe("fx-context", () => {
  const data = tempDirForFile();
  let runner: ProcessStepRunner;
  beforeAll(async () => {
    runner = await openRunner(data);
  });
  afterAll(() => runner.close());

  const run = (source: string, options: Parameters<typeof runScript>[3] = {}) =>
    runScript(runner, { "a.sh": source }, "a.sh", options);

  it("answers parameters, configuration, event and results as text or JSON", async () => {
    const source = `
fx-context param text; fx-context param list; fx-context param; fx-context config limit; fx-context event type
fx-context param missing fallback; fx-context previous; fx-context param missing; echo "code $?"`;
    const { result, stdout, stderr } = run(source, {
      params: { text: "a b\nc", list: [1, "é"] },
      config: { limit: 2 },
    });
    expect(await result).toMatchObject({ kind: "exited", exitCode: 0 });
    expect(stdout()).toBe(
      'a b\nc\n[1,"é"]\n{"text":"a b\\nc","list":[1,"é"]}\n2\ntest.happened\nfallback\nnull\ncode 1\n',
    );
    expect(stderr()).toBe("fx-context: there is no param 'missing'\n");
  });

  it.each([16, 100, 198, 199])("is there where the run may have %i open files", async (openFiles) => {
    const source = `echo begun; fx-context param text; fx-context state put k 1; echo $?`;
    const { result, both } = run(source, { params: { text: "a" }, request: { limits: { ...noLimits, openFiles } } });
    expect(await result).toMatchObject({ kind: "exited", exitCode: 0 });
    expect(both()).toBe("begun\na\n0\n");
  });

  it("gives secrets and takes them on stdin, none of them in the environment", async () => {
    const stored: unknown[] = [];
    const source = `
secret=$(fx-context secret token); echo "got $secret"; printf 'new one' | fx-context secret set token - --scope project
fx-context secret nothing; echo "code $?"; tr '\\0' '\\n' </proc/$$/environ | grep -c hunter2`;
    const { result, stdout } = run(source, {
      host: {
        getSecret: async (name) => (name === "token" ? "hunter2" : undefined),
        async setSecret(...words) {
          stored.push(words);
        },
      },
    });
    await result;
    expect(stdout()).toBe("got hunter2\ncode 1\n0\n");
    expect(stored).toEqual([["token", "new one", "project"]]);
  });

  it("answers each of many callers at once with its own answer", async () => {
    const source = `for n in 1 2 3 4 5 6 7 8; do (echo "$n=$(fx-context send "t.$n" "$n")") & done; wait`;
    const emit = async ({ type }: { type: string }) => ({ id: `id-${type}` });
    const { result, stdout } = run(source, { host: { emit } });
    expect(await result).toMatchObject({ kind: "exited", exitCode: 0 });
    expect(stdout().trim().split("\n").sort()).toEqual([1, 2, 3, 4, 5, 6, 7, 8].map((n) => `${n}=id-t.${n}`));
  });

  it("logs, offers a result and asks for a later run", async () => {
    const asked: unknown[] = [];
    const source = `
fx-context log warning careful now; echo '{"rows":[1]}' | fx-context result -
fx-context retry --minutes 1.5 --hours 1; fx-context retry --cron '0 6 * * *' --timezone Europe/Zurich
fx-context retry --days 1 --parameters '{"page": 2}'; echo '{"page": 3}' | fx-context retry --days 1 --parameters -`;
    const { result, stdout, logged } = run(source, {
      host: {
        setResult: (value: Json) => void asked.push(value),
        async retryLater(when, parameters) {
          asked.push(parameters === undefined ? when : parameters);
          return { jobId: "job-7", at: 0 };
        },
      },
    });
    await result;
    expect(stdout()).toBe("job-7\n".repeat(4));
    expect(logged).toMatchObject([{ level: "warning", message: "careful now" }]);
    expect(asked).toEqual([
      { rows: [1] },
      { delayMs: 3_690_000 },
      { cron: "0 6 * * *", timezone: "Europe/Zurich" },
      { page: 2 },
      { page: 3 },
    ]);
  });

  it("tells wrong use, refusal and a lost platform apart by its exit code", async () => {
    const source = `
for words in "" nonsense "send" "send a {" "state put k" "log loud x" "retry --minutes soon" "retry --parameters {" "send a --to b"; do
  fx-context $words 2>/dev/null >&2; echo -n "$? "
done
fx-context send fx.no; echo $?; fx-context --help | head -1; exec 198>&-`;
    const emit = () => Promise.reject(new PlatformError("forbidden", "'fx.no' is reserved"));
    const { result, stdout, stderr } = runScript(
      runner,
      { "a.sh": `#!/bin/bash\n${source}\nfx-context state get; echo $?` },
      "a.sh",
      { host: { emit } },
    );
    await result;
    expect(stdout()).toBe("2 2 2 2 2 2 2 2 2 3\nfx-context: what a shell script sees of its run\n4\n");
    expect(stderr()).toContain("fx-context: forbidden: 'fx.no' is reserved\n");
    expect(stderr()).toContain("fx-context: unavailable:");
  });

  it("is not thrown off by one that was told to end while it waited", async () => {
    const source = `timeout -s TERM 0.3 fx-context send slow.one >/dev/null; fx-context send quick.one`;
    const emit = async ({ type }: { type: string }) => {
      if (type === "slow.one")
        await runScript(runner, { "b.sh": "sleep 0.6" }, "b.sh", { request: { slot: 1 } }).result;
      return { id: `id-${type}` };
    };
    const { result, stdout } = run(source, { host: { emit } });
    expect(await result).toMatchObject({ kind: "exited", exitCode: 0 });
    expect(stdout()).toBe("id-quick.one\n");
  });

  it("leaves large and unsafe parameters to stdin", async () => {
    const params = { big: "x".repeat(3_000_000), "a-b": 1, nul: "a\0b", yes: true, n: 1.5 };
    const { result, stdout } = run(`wc -c; env | grep ^FX_PARAM_ | sort`, { params });
    expect(await result).toMatchObject({ kind: "exited", exitCode: 0 });
    const [bytes, ...variables] = stdout().trim().split("\n");
    expect(Number(bytes)).toBeGreaterThan(3_000_000);
    expect(variables).toEqual(["FX_PARAM_N=1.5", "FX_PARAM_YES=true"]);
  });

  it("runs the script with the options of its first line, and as written without", async () => {
    const failing = "false\necho after\n";
    const strict = run(`#!/bin/sh -e\n${failing}`);
    expect([await strict.result, strict.stdout()]).toMatchObject([{ exitCode: 1 }, ""]);
    const lax = run(failing);
    expect([await lax.result, lax.stdout()]).toMatchObject([{ exitCode: 0 }, "after\n"]);
    const other = run("#!/usr/bin/zsh\n");
    expect([await other.result, other.stderr()]).toMatchObject([
      { exitCode: 126 },
      expect.stringContaining("#!/bin/bash"),
    ]);
  });
});
