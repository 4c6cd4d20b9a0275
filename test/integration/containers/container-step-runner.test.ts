import { mkdirSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { ContainerOf } from "../../../src/executor/containers/container-body.ts";
import { ContainerStepRunner } from "../../../src/executor/containers/container-step-runner.ts";
import { ContainerWork } from "../../../src/executor/containers/container-work.ts";
import { GivenFiles } from "../../../src/executor/containers/given-files.ts";
import { labels } from "../../../src/executor/containers/places.ts";
import type { ProcessStepRunner } from "../../../src/executor/process-step-runner.ts";
import { RemoteStep } from "../../../src/executor/remote-step.ts";
import type { StepHost, StepRequest } from "../../../src/executor/step-runner.ts";
import { systemClock } from "../../../src/foundation/clock.ts";
import { createIds, type ExecutionId } from "../../../src/foundation/ids.ts";
import { silentLog } from "../../../src/foundation/log.ts";
import { systemRandom } from "../../../src/foundation/random.ts";
import { containerSettings } from "../../../src/services/container-settings.ts";
import { noLimits } from "../../../src/services/run-limits.ts";
import { engineMissing, startEngine, type TestEngine, testImage } from "../../support/container-engine.ts";
import { eventually } from "../../support/eventually.ts";
import { tempDirForFile } from "../../support/temp-dir.ts";
import { openRunner, runScript } from "../runtimes/script-runs.ts";

describe.skipIf(engineMissing !== undefined)(
  `a container${engineMissing ? ` (skipped: ${engineMissing})` : ""}`,
  () => {
    const directory = tempDirForFile();
    const platform = "test-platform";
    const ids = createIds(systemClock, systemRandom);
    let engine: TestEngine;
    let processes: ProcessStepRunner;
    let runner: ContainerStepRunner;

    const open = (files: string) =>
      ContainerStepRunner.open({
        engines: [engine.address],
        dataDirectory: join(directory, files),
        runRoot: directory,
        filesDirectory: directory,
        library: processes.library,
        platform,
        clock: systemClock,
        random: systemRandom,
        log: silentLog,
      });

    beforeAll(async () => {
      engine = await startEngine(join(directory, "engine"));
      mkdirSync(join(directory, "data"));
      processes = await openRunner(join(directory, "data"));
      runner = await open("one");
    });
    afterAll(async () => {
      await runner?.close();
      await processes?.close();
      await engine?.close();
    });

    type Options = Parameters<typeof runScript>[3] & { settings?: object; secrets?: string[]; image?: string };

    function run(script: string, options: Options = {}, of: Pick<ContainerStepRunner, "run"> = runner) {
      const { settings = {}, secrets = [], image = testImage, request, ...rest } = options;
      const elsewhere: StepRequest["elsewhere"] = {
        kind: "container",
        image,
        command: ["/bin/sh", "-c"],
        args: [script],
        settings: containerSettings.parse({ network: "none", ...settings }),
        secrets,
      };
      const executionId = ids.next() as ExecutionId;
      const whole = { executionId, elsewhere, ...request };
      return {
        executionId,
        ...runScript(
          { run: (...all) => of.run(...all), runRoot: processes.runRoot },
          { "note.txt": "a file of the service\n" },
          image,
          { ...rest, request: whole },
        ),
      };
    }

    const left = () => engine.engine.list({ [labels.platform]: platform });

    it("gives its output while it runs, both streams, and its exit code", async () => {
      const script =
        "echo first; echo wrong >&2; while [ -e /fx/context.json ] && ! [ -e /tmp/go ]; do sleep 0.05; done; exit 7";
      const { executionId, result, step, stdout, stderr } = run(script);
      await eventually(() => stdout() !== "" && stderr() !== "");
      const [container] = await left();
      expect(container?.labels).toMatchObject({ [labels.execution]: executionId, [labels.attempt]: "1" });
      step.stop("cancelled", 0);
      expect(await result).toMatchObject({ kind: "stopped", reason: "cancelled", outputBytes: 12 });
      expect([stdout(), stderr()]).toEqual(["first\n", "wrong\n"]);
      expect(await left()).toEqual([]);
    });

    it("ends with its exit code, and leaves neither container nor files", async () => {
      const { result } = run("exit 7");
      expect(await result).toEqual({ kind: "exited", exitCode: 7, outputBytes: 0, truncated: false });
      expect(await left()).toEqual([]);
      expect(readdirSync(directory).filter((name) => name.startsWith("streamzero-fx-"))).toHaveLength(1);
    });

    it("reads parameters, configuration and its service's files", async () => {
      const script = "echo $FX_PARAM_NAME/$FX_CONFIG_TONE/$FX_SERVICE; cat /fx/service/note.txt; cat $FX_CONTEXT";
      const { result, stdout } = run(script, { params: { name: "Ada", deep: { a: 1 } }, config: { tone: "warm" } });
      expect(await result).toMatchObject({ exitCode: 0 });
      const [first, second, context = ""] = stdout().split("\n");
      expect([first, second]).toEqual(["Ada/warm/orders", "a file of the service"]);
      expect(JSON.parse(context)).toMatchObject({ params: { deep: { a: 1 } }, config: { tone: "warm" } });
    });

    it("is given the secrets that its manifest names as variables and files, and no others", async () => {
      const values = { API_KEY: "k-123456", "db.json": { user: "u" }, OTHER: "not asked for" };
      const host = { getSecret: async (name: string) => values[name as keyof typeof values] };
      const script = "echo $API_KEY; cat /fx/secrets/API_KEY /fx/secrets/db.json; echo; ls /fx/secrets; echo [$OTHER]";
      const { result, stdout } = run(script, { host, secrets: ["API_KEY", "db.json"] });
      expect(await result).toMatchObject({ exitCode: 0 });
      expect(stdout()).toBe('k-123456\nk-123456{"user":"u"}\nAPI_KEY\ndb.json\n[]\n');
    });

    it("does not start without a secret that its manifest names", async () => {
      const { result } = run("echo no", { secrets: ["API_KEY"] });
      expect(await result).toEqual({ kind: "unstartable", message: expect.stringContaining("API_KEY") });
    });

    it("that takes too long is asked to end, then killed", async () => {
      // Again, with more time, where that was over before the script had begun.
      const late = async (script: string, slot: number, timeoutMs = 300): Promise<string> => {
        const { result, stdout } = run(script, { request: { timeoutMs, slot } });
        expect(await result).toMatchObject({ kind: "timeout", timeoutMs });
        return stdout() === "" && timeoutMs < 10_000 ? late(script, slot, 2 * timeoutMs) : stdout();
      };
      const asked = late("trap 'echo asked; exit 0' TERM; echo up; while :; do sleep 0.05; done", 0);
      const deaf = late("trap '' TERM; echo deaf; while :; do sleep 0.05; done", 1);
      expect(await Promise.all([asked, deaf])).toEqual(["up\nasked\n", "deaf\n"]);
      expect(await left()).toEqual([]);
    });

    it("D8: is killed when its lease is not renewed, and lives on while it is", async () => {
      const { result, step, waitFor } = run("echo up; while :; do sleep 0.05; done", { request: { ttlMs: 60_000 } });
      await waitFor(/(up)/);
      step.keepAlive(100);
      expect(await result).toMatchObject({ kind: "stopped", reason: "lease-lost" });
      expect(await left()).toEqual([]);
    });

    it("D8: of an executor that was killed ends before the next attempt's begins", async () => {
      const gone = await open("two");
      const first = run("echo up; while :; do sleep 0.05; done", {}, gone);
      await first.waitFor(/(up)/);
      const second = run("echo again", { request: { executionId: first.executionId, attempt: 2, slot: 1 } });
      expect(await second.result).toMatchObject({ kind: "exited", exitCode: 0 });
      await first.result;
      await gone.close();
      const late = run("echo late", { request: { executionId: first.executionId, attempt: 1 } });
      expect(await late.result).toMatchObject({ kind: "exited" });
    });

    it("D8: begins though a sweeper has removed the earlier attempt's in the moment in which its name was taken", async () => {
      const gone = await open("four");
      const first = run("echo up; while :; do sleep 0.05; done", {}, gone);
      await first.waitFor(/(up)/);
      const swept = new Proxy(engine.engine, {
        get: (target, key) => {
          if (key === "list") {
            return async (wanted: Record<string, string>) => {
              for (const { id } of await target.list(wanted)) await target.remove(id);
              return target.list(wanted);
            };
          }
          const found: unknown = Reflect.get(target, key);
          return typeof found === "function" ? found.bind(target) : found;
        },
      });
      const files = await GivenFiles.open({ dataDirectory: "/five", runRoot: directory, path: directory });
      const { library } = processes;
      const common = { files, library, platform, clock: systemClock, random: systemRandom, log: silentLog };
      const parts = { ...common, engine: async () => swept };
      const raced = {
        run(request: StepRequest, host: StepHost) {
          const work = (host: StepHost) => new ContainerWork(parts, request, host, request.elsewhere as ContainerOf);
          return new RemoteStep(request, host, work, systemClock);
        },
      };
      const second = run("echo again", { request: { executionId: first.executionId, attempt: 2, slot: 1 } }, raced);
      expect(await second.result).toMatchObject({ kind: "exited", exitCode: 0 });
      await first.result;
      await gone.close();
      await files.close();
    });

    it("that nobody watches any more is removed; one that another executor runs is not", async () => {
      const other = await open("three");
      const orphan = run("echo up; while :; do sleep 0.05; done", {}, other);
      const watched = run("echo up; while :; do sleep 0.05; done", { request: { slot: 1 } }, other);
      await Promise.all([orphan.waitFor(/(up)/), watched.waitFor(/(up)/)]);
      // Known to this engine from now on.
      await run("true").result;
      expect(await runner.sweep(async (id) => id === watched.executionId)).toBe(1);
      expect((await left()).map((found) => found.labels[labels.execution])).toEqual([watched.executionId]);
      await orphan.result;
      watched.step.stop("shutdown", 0);
      await watched.result;
      await other.close();
    });

    it("loses nothing of its output, and is cut at the cap with a word about it", async () => {
      const whole = run("yes 0123456789abcde | head -n 65536");
      expect(await whole.result).toMatchObject({ exitCode: 0, outputBytes: 1024 * 1024, truncated: false });
      const cut = run("yes 0123456789abcde | head -n 65536", { request: { outputCapBytes: 1000 } });
      expect(await cut.result).toMatchObject({ exitCode: 0, outputBytes: 1000, truncated: true });
      expect(cut.stderr()).toContain("at most 1000 bytes");
    });

    it("that wants more memory than it may have is ended, and is told so", async () => {
      const request = { limits: { ...noLimits, memoryBytes: 24 * 1024 * 1024 } };
      const { result, stderr } = run("exec tail -c 200m /dev/zero", { request });
      const end = await result;
      // Engines on an old kernel interface do not see why.
      if (end.kind === "overrun") expect(end).toMatchObject({ limit: "memoryBytes", value: 24 * 1024 * 1024 });
      else {
        expect(end).toMatchObject({ kind: "exited", exitCode: 137 });
        expect(stderr()).toContain('manifest key "memory"');
      }
    });

    it("that takes more processor time than it may, in one process or in many, is ended with the limit's name", async () => {
      const request = { limits: { ...noLimits, cpuSeconds: 1 } };
      const first = run("while :; do :; done", { request });
      const told = run("(while :; do :; done); exit $?", { request: { ...request, slot: 1 } });
      const overrun = { kind: "overrun", limit: "cpuSeconds", value: 1 };
      expect(await first.result).toMatchObject(overrun);
      expect(await told.result).toMatchObject(overrun);
      // None of its processes has a second by itself.
      const many = run("while :; do i=0; while [ $i -lt 9999 ]; do i=$((i+1)); done & wait; done", { request });
      expect(await many.result).toMatchObject(overrun);
      expect(await left()).toEqual([]);
    });

    it("cannot open more files than it may", async () => {
      const { result, stdout } = run("ulimit -n", { request: { limits: { ...noLimits, openFiles: 77 } } });
      expect(await result).toMatchObject({ exitCode: 0 });
      expect(stdout()).toBe("77\n");
    });

    it("says while it runs that it has as many processes as it may", async () => {
      const script = "i=0; while [ $i -lt 15 ]; do sleep 60 & i=$((i+1)); done; wait";
      const { result, step, stderr } = run(script, { request: { limits: { ...noLimits, processes: 16 } } });
      await eventually(() => /as many processes and threads as it may: 16 .*max_processes/.test(stderr()));
      step.stop("cancelled", 0);
      expect(await result).toMatchObject({ kind: "stopped" });
    });

    it("cannot have more processes than its manifest says", async () => {
      const script = "i=0; while [ $i -lt 40 ]; do sleep 20 & i=$((i+1)); done; echo all";
      const { result, stdout, stderr } = run(script, { request: { limits: { ...noLimits, processes: 20 } } });
      expect(await result).toMatchObject({ kind: "exited" });
      expect(stdout()).toBe("");
      expect(stderr()).toContain("fork");
    });

    it("that says more than it may is ended for it", async () => {
      const { result } = run("yes", { request: { limits: { ...noLimits, outputBytes: 100_000 } } });
      expect(await result).toMatchObject({ kind: "overrun", limit: "outputBytes", value: 100_000 });
      expect(await left()).toEqual([]);
    });

    it("whose command does not exist, or whose image is not there, says so in the engine's words", async () => {
      const request = (image: string, command: string[], pull: string): Partial<StepRequest> => ({
        elsewhere: {
          kind: "container",
          image,
          command,
          args: undefined,
          secrets: [],
          settings: containerSettings.parse({ network: "none", pull }),
        },
      });
      const nothing = run("", { request: request(testImage, ["/bin/nothing"], "missing") });
      expect(await nothing.result).toMatchObject({
        kind: "unstartable",
        message: expect.stringContaining("/bin/nothing"),
      });
      const never = run("", { request: request("localhost/absent:1", ["/bin/true"], "never") });
      expect(await never.result).toEqual({ kind: "unstartable", message: expect.stringMatching(/absent:1.*never/) });
      const absent = run("", { request: request("localhost:1/absent:1", ["/bin/true"], "missing") });
      expect(await absent.result).toMatchObject({ kind: "unstartable", message: expect.stringContaining("absent") });
      expect(await left()).toEqual([]);
    });

    it("can write nowhere but /tmp when its file system is read-only", async () => {
      const { result, stdout } = run("touch /x || echo closed; touch /tmp/x && echo open", {
        settings: { read_only: true },
      });
      expect(await result).toMatchObject({ exitCode: 0 });
      expect(stdout()).toBe("closed\nopen\n");
    });

    it("is not started when it was stopped before", async () => {
      const { result, step, stdout } = run("echo no");
      step.stop("shutdown", 0);
      expect(await result).toMatchObject({ kind: "stopped", reason: "shutdown" });
      expect(stdout()).toBe("");
      expect(await left()).toEqual([]);
    });

    it("D7: is lost, not failed, when the engine stops answering; what has not begun waits until it answers again", async () => {
      const { result, waitFor } = run("echo up; while :; do sleep 0.05; done");
      await waitFor(/(up)/);
      await engine.stop();
      expect(await result).toMatchObject({ kind: "lost" });
      const next = run("echo again");
      await eventually(() => next.logged.some(({ message }) => message.startsWith("waits: ")));
      await engine.start();
      // Nothing was lost by it: it had not begun.
      expect(await next.result).toMatchObject({ kind: "exited", exitCode: 0 });
      expect(next.stdout()).toBe("again\n");
      await eventually(async () => (await runner.sweep(async () => false)) >= 0 && (await left()).length === 0);
    });
  },
);
