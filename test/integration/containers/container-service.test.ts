import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { KillablePlatform } from "../../kill/killable-platform.ts";
import {
  engineMissing,
  javascriptImage,
  pythonImage,
  startEngine,
  type TestEngine,
  testImage,
} from "../../support/container-engine.ts";
import { eventually } from "../../support/eventually.ts";
import { packFiles, TestPlatform } from "../../support/platform.ts";
import { tempDir, tempDirForFile } from "../../support/temp-dir.ts";

const title = `a container service${engineMissing ? ` (skipped: ${engineMissing})` : ""}`;

describe.skipIf(engineMissing !== undefined)(title, () => {
  const directory = tempDirForFile();
  let engine: TestEngine;
  let platform: TestPlatform;

  beforeAll(async () => {
    engine = await startEngine(join(directory, "engine"));
    await engine.importPython();
    await engine.importJavaScript();
    platform = await TestPlatform.start({ executorContainersEngine: engine.address, executorOpenFiles: "64" });
  });
  afterAll(async () => {
    await platform?.stop();
    await engine?.close();
  });

  const manifestOf = (script: string, more: object = {}) =>
    JSON.stringify({
      type: "container",
      image: testImage,
      command: ["/bin/sh", "-c", script],
      container: { network: "none" },
      ...more,
    });

  const left = () => engine.engine.list({});

  it("runs for an event, and its execution keeps output and exit code", async () => {
    const more = { trigger_events: ["parcel.sent"] };
    expect(
      await platform.deploy("parcel", { "manifest.json": manifestOf("echo to $FX_PARAM_CITY; exit 4", more) }),
    ).toMatchObject({ status: 201 });
    await platform.send({ id: "p1", type: "parcel.sent", data: { city: "Olten" } });
    const [{ id } = { id: "" }] = await platform.settled(1, "&service=parcel");
    const { status, error, steps } = await platform.execution(id);
    expect(status).toBe("failed");
    expect(error).toMatchObject({ kind: "exit", message: `${testImage} ended with exit code 4` });
    expect(steps).toMatchObject([{ script: testImage, exitCode: 4, output: { preview: "to Olten\n" } }]);
    expect(await left()).toEqual([]);
  });

  it("has the platform's caps where its manifest says nothing or more", async () => {
    const more = { allow_manual_triggering: true, max_open_files: 9000 };
    await platform.deploy("cap", { "manifest.json": manifestOf("ulimit -n") });
    await platform.deploy("cap-more", { "manifest.json": manifestOf("ulimit -n", more) });
    for (const name of ["cap", "cap-more"]) {
      await platform.request("POST", `/api/v1/services/default/${name}/run`, { json: {} });
      const [{ id } = { id: "" }] = await platform.settled(1, `&service=${name}`);
      expect((await platform.execution(id)).steps).toMatchObject([{ exitCode: 0, output: { preview: "64\n" } }]);
    }
  });

  it("S5: does not let out the secrets that it is given", async () => {
    await platform.request("PUT", "/api/v1/secrets?scope=platform&name=DOOR_CODE", {
      json: { value: "open-sesame-4711" },
    });
    const files = {
      "manifest.json": manifestOf("echo code $DOOR_CODE; cat /fx/secrets/DOOR_CODE >&2", { secrets: ["DOOR_CODE"] }),
    };
    expect(await platform.deploy("door", files)).toMatchObject({ status: 201 });
    const run = await platform.request<{ id: string }>("POST", "/api/v1/services/default/door/run", { json: {} });
    expect(run.status).toBeLessThan(300);
    const [{ id } = { id: "" }] = await platform.settled(1, "&service=door");
    const [output = ""] = await platform.outputs(id);
    expect(output).toContain("code [secret DOOR_CODE]");
    expect(output).not.toContain("sesame");
  });

  it("speaks to the platform with fx_ef, from an image that has Python", async () => {
    const program = `from fx_ef import context, get_secret
print(context.params.get("city"), get_secret("HARBOUR_KEY") is not None, flush=True)
context.state.put("seen", 3)
context.events.send("parcel.labelled", {"by": "container"})
`;
    await platform.request("PUT", "/api/v1/secrets?scope=platform&name=HARBOUR_KEY", {
      json: { value: "a-harbour-key" },
    });
    const manifest = {
      type: "container",
      image: pythonImage,
      command: ["/bin/python3", "/fx/service/main.py"],
      container: { network: "none", user: "1234:1234" },
    };
    const deployed = await platform.deploy("label", {
      "manifest.json": JSON.stringify({ ...manifest, trigger_events: ["label.wanted"] }),
      "main.py": program,
    });
    expect(deployed).toMatchObject({ status: 201 });
    const listener = manifestOf("echo heard $FX_PARAM_BY", { trigger_events: ["parcel.labelled"] });
    expect(await platform.deploy("listener", { "manifest.json": listener })).toMatchObject({ status: 201 });
    await platform.send({ id: "l1", type: "label.wanted", data: { city: "Basel" } });
    const [labelled] = await platform.settled(1, "&service=label");
    expect(await platform.outputs(labelled?.id ?? "")).toEqual(["Basel True\n"]);
    const [heard] = await platform.settled(1, "&service=listener");
    expect(await platform.outputs(heard?.id ?? "")).toEqual(["heard container\n"]);
  });

  it("runs scripts in Python with the interpreter of an image, a container each, as they run without", async () => {
    const files = {
      "manifest.json": JSON.stringify({
        isolation: "container",
        image: pythonImage,
        container: { network: "none", user: "1234:1234" },
        execution_order: ["main.py", "parts/next.py"],
        trigger_events: ["crate.packed"],
      }),
      "main.py": `import json, os, sys
from fx_ef import context
import beside
print(json.loads(sys.argv[1])["city"], context.params["city"], beside.word, os.getcwd(), os.getuid())
context.state.put("seen", 1)
context.result({"from": "the first"})`,
      "beside.py": "word = 'found'",
      "parts/next.py": `from fx_ef import context
print(context.previous["from"], context.state.get("seen"))
context.events.send("crate.weighed", {"by": "python"})
raise ValueError("too heavy")`,
    };
    expect(await platform.deploy("weigh", files)).toMatchObject({ status: 201 });
    await platform.send({ id: "c1", type: "crate.packed", data: { city: "Chur" } });
    const [{ id } = { id: "" }] = await platform.settled(1, "&service=weigh");
    const { status, error, steps } = await platform.execution(id);
    expect(await platform.outputs(id)).toEqual([
      "Chur Chur found /fx/service 1234\n",
      expect.stringMatching(/^the first 1\nTraceback.*\/fx\/service\/parts\/next\.py.*ValueError: too heavy\n$/s),
    ]);
    expect(status).toBe("failed");
    expect(error).toMatchObject({ kind: "exit", message: "parts/next.py ended with exit code 1" });
    expect(steps).toMatchObject([
      { script: "main.py", exitCode: 0 },
      { script: "parts/next.py", exitCode: 1 },
    ]);
    expect(await left()).toEqual([]);
  });

  it("runs scripts in TypeScript with Node or Bun of an image", async () => {
    const source = `import { context } from "@streamzero/fx";
const city: string = context.params.get("city") as string;
console.log(city, process.versions.bun === undefined ? "node" : "bun", process.cwd());
await context.events.send("crate.sent", { city });`;
    for (const runtime of [undefined, "node", "bun"]) {
      const name = `send-${runtime ?? "any"}`;
      const manifest = { isolation: "container", image: javascriptImage, runtime, container: { network: "none" } };
      const files = { "manifest.json": JSON.stringify(manifest), "main.ts": source };
      expect(await platform.deploy(name, files)).toMatchObject({ status: 201 });
      const run = await platform.request("POST", `/api/v1/services/default/${name}/run`, {
        json: { data: { city: "Thun" } },
      });
      expect(run.status).toBeLessThan(300);
      const [{ id } = { id: "" }] = await platform.settled(1, `&service=${name}`);
      expect(await platform.outputs(id)).toEqual([`Thun ${runtime ?? "node"} /fx/service\n`]);
      expect(await platform.execution(id)).toMatchObject({ status: "completed" });
    }
  });

  const ofScript = (script: string, source: string, more: object = {}) => ({
    "manifest.json": JSON.stringify({
      isolation: "container",
      image: script.endsWith(".py") ? pythonImage : javascriptImage,
      container: { network: "none" },
      execution_order: [script],
      allow_manual_triggering: true,
      ...more,
    }),
    [script]: source,
  });

  it.each([
    ["kill-py", "main.py", {}, "import os, signal; os.kill(os.getpid(), signal.SIGKILL)", 137],
    ["term-py", "main.py", {}, "import os, signal; os.kill(os.getpid(), signal.SIGTERM); signal.pause()", 143],
    ["exit-py", "main.py", {}, "raise SystemExit(7)", 7],
    [
      "kill-node",
      "main.ts",
      { runtime: "node" },
      "process.kill(process.pid, 'SIGKILL'); setInterval(() => {}, 999)",
      137,
    ],
    ["exit-node", "main.ts", { runtime: "node" }, "process.exit(7)", 7],
    [
      "kill-bun",
      "main.ts",
      { runtime: "bun" },
      "process.kill(process.pid, 'SIGKILL'); setInterval(() => {}, 999)",
      137,
    ],
  ])(
    "a script of a container ends as it ended itself, by a signal as well: %s",
    async (name, script, more, source, code) => {
      expect(await platform.deploy(name, ofScript(script, source, more))).toMatchObject({ status: 201 });
      await platform.request("POST", `/api/v1/services/default/${name}/run`, { json: {} });
      const [{ id } = { id: "" }] = await platform.settled(1, `&service=${name}`);
      expect((await platform.execution(id)).steps).toMatchObject([{ exitCode: code }]);
    },
  );

  it.each([
    [
      "asked-py",
      "main.py",
      "import signal, sys, time\nsignal.signal(signal.SIGTERM, lambda *_: (print('asked', flush=True), sys.exit(0)))\nprint('up', flush=True)\nsignal.pause()",
      {},
    ],
    [
      "asked-node",
      "main.ts",
      "process.on('SIGTERM', () => { console.log('asked'); process.exit(0); });\nconsole.log('up'); setInterval(() => {}, 999);",
      { runtime: "node" },
    ],
    [
      "asked-bun",
      "main.ts",
      "process.on('SIGTERM', () => { console.log('asked'); process.exit(0); });\nconsole.log('up'); setInterval(() => {}, 999);",
      { runtime: "bun" },
    ],
  ])("a script of a container hears that it is to end: %s", async (name, script, source, more) => {
    expect(await platform.deploy(name, ofScript(script, source, { timeout: 4, ...more }))).toMatchObject({
      status: 201,
    });
    await platform.request("POST", `/api/v1/services/default/${name}/run`, { json: {} });
    const [{ id } = { id: "" }] = await platform.settled(1, `&service=${name}`);
    expect((await platform.execution(id)).error).toMatchObject({ kind: "timeout" });
    expect(await platform.outputs(id)).toEqual(["up\nasked\n"]);
  });

  it("names the limit over which a script of a container failed by its own word", async () => {
    const files = {
      "main.py": 'kept = [open("/fx/context.json") for _ in range(100)]',
      "main.ts": `import { openSync } from "node:fs";
for (let count = 0; count < 100; count += 1) openSync("/fx/context.json", "r");`,
      "more.py": `import subprocess
kept = [subprocess.Popen(["/bin/sleep", "60"]) for _ in range(100)]`,
    };
    for (const [name, script, image, limit, message] of [
      ["files", "main.py", pythonImage, { max_open_files: 32 }, "32 open files"],
      ["files-ts", "main.ts", javascriptImage, { max_open_files: 48 }, "48 open files"],
      ["many", "more.py", pythonImage, { max_processes: 16 }, "16 processes and threads"],
    ] as const) {
      const manifest = { isolation: "container", image, container: { network: "none" }, ...limit };
      const own = {
        "manifest.json": JSON.stringify({ ...manifest, execution_order: [script] }),
        [script]: files[script],
      };
      expect(await platform.deploy(name, own)).toMatchObject({ status: 201 });
      await platform.request("POST", `/api/v1/services/default/${name}/run`, { json: {} });
      const [{ id } = { id: "" }] = await platform.settled(1, `&service=${name}`);
      const { error } = await platform.execution(id);
      expect(error).toMatchObject({ message: expect.stringContaining(`used more than its ${message}`) });
    }
  });

  it("says which interpreter an image lacks", async () => {
    const manifest = { isolation: "container", image: testImage, container: { network: "none" } };
    const files = { "manifest.json": JSON.stringify(manifest), "main.py": "" };
    await platform.deploy("bare", files);
    await platform.request("POST", "/api/v1/services/default/bare/run", { json: {} });
    const [{ id } = { id: "" }] = await platform.settled(1, "&service=bare");
    const { error } = await platform.execution(id);
    expect(error).toMatchObject({ kind: "start", message: expect.stringContaining("python3") });
  });

  it("is cancelled by a person", async () => {
    const files = {
      "manifest.json": manifestOf("echo up; while :; do sleep 0.05; done", { trigger_events: ["tower.lit"] }),
    };
    await platform.deploy("tower", files);
    await platform.send({ id: "t1", type: "tower.lit" });
    const id = await eventually(async () => {
      const [found] = await platform.executions("&service=tower&status=in_progress");
      return found && (await left()).length === 1 ? found.id : undefined;
    });
    await platform.request("POST", `/api/v1/executions/${id}/cancel`);
    await eventually(async () => (await platform.execution(id)).status === "cancelled");
    expect(await left()).toEqual([]);
  });

  it.each([
    ["is gone", "fail", 0],
    ["is replaced by the next attempt's", "retry", 1],
  ])("D8: of a platform that was killed %s when the next one has started", async (_what, onLost, stays) => {
    const killed = new KillablePlatform(tempDir(), { "executor-containers-engine": engine.address });
    onTestFinished(() => killed.kill());
    killed.start();
    await killed.ready();
    const body = await packFiles({
      "manifest.json": manifestOf("trap 'exit 0' TERM; while :; do sleep 0.05; done", {
        on_lost: onLost,
        trigger_events: ["mill.turned"],
      }),
    });
    await killed.api.request("POST", "/services/default/mill/versions", body, "application/gzip");
    const event = { specversion: "1.0", id: "m1", source: "/test", type: "mill.turned" };
    await killed.api.request("POST", "/events", JSON.stringify(event), "application/cloudevents+json");
    await eventually(async () => (await left()).length === 1);
    await killed.kill();
    const [first] = await left();
    expect(first).toBeDefined();
    killed.start();
    await killed.ready();
    await eventually(async () => {
      const now = await left();
      return now.length === stays && now.every(({ id }) => id !== first?.id);
    });
    await killed.kill();
    for (const { id } of await left()) await engine.engine.remove(id);
  });
});
