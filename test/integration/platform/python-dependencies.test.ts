import { rmSync, writeFileSync } from "node:fs";
import { readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, onTestFinished, test, vi } from "vitest";
import { eventually } from "../../support/eventually.ts";
import { PackageIndex } from "../../support/package-index.ts";
import { packFiles, TestPlatform, testToken } from "../../support/platform.ts";
import { packageThatLooksAround, type Wheel, writeSourcePackage, writeWheels } from "../../support/python-packages.ts";
import { tempDirForFile } from "../../support/temp-dir.ts";
import { isAlive } from "../runtimes/script-runs.ts";
import { DependencyRuns } from "./dependency-runs.ts";

const greet = (version: string): Wheel => ({
  name: "greet",
  version,
  files: { "greet.py": `import manners\nWORD = manners.politely("hello from ${version}")\n` },
  requires: ["manners"],
});
const manners: Wheel = {
  name: "manners",
  version: "1.0",
  files: { "manners.py": "def politely(text): return text + ', please'\n" },
};
const main = "import greet\nprint(greet.WORD)\n";

const wheels = writeWheels(join(tempDirForFile(), "wheels"), [greet("1.0"), greet("2.0"), manners]);
const settings = { dependenciesFindLinks: wheels, dependenciesOffline: "true", dependenciesPythonTool: "pip" };
let platform: TestPlatform;
let runs: DependencyRuns;
beforeAll(async () => {
  platform = await TestPlatform.start(settings);
  runs = new DependencyRuns(platform);
});
afterAll(() => platform.stop());
afterEach(() => {
  vi.unstubAllEnvs();
});

/** Without the lock and what goes with it for a moment. */
const environments = async () =>
  (await readdir(join(platform.directory, "data", "environments")).catch(() => [])).filter(
    (name) => !name.startsWith("lock"),
  );

const forgetEnvironments = (directory: string) => rm(join(directory, "data", "environments"), { recursive: true });

describe("requirements.txt", () => {
  test("is installed once for equal content, and each service sees what it asked for and nothing else", async () => {
    const first = await platform.deploy("one", { "requirements.txt": "greet==1.0\n", "main.py": main });
    expect(first).toMatchObject({
      status: 201,
      body: {
        dependencies: [
          { file: "requirements.txt", tool: expect.stringMatching(/^pip .+ for Python 3/), cached: false },
        ],
      },
    });
    const same = await platform.deploy("same", { "requirements.txt": "greet==1.0\n", "main.py": main });
    expect(same.body).toMatchObject({ dependencies: [{ cached: true }] });
    await platform.deploy("two", { "requirements.txt": "greet==2.0\n", "main.py": main });
    await platform.deploy("none", { "main.py": main });
    expect((await runs.run("one")).output).toBe("hello from 1.0, please\n");
    expect((await runs.run("same")).output).toBe("hello from 1.0, please\n");
    expect((await runs.run("two")).output).toBe("hello from 2.0, please\n");
    expect((await runs.run("none")).output).toContain("No module named 'greet'");
    expect((await environments()).filter((name) => name.startsWith("python-"))).toHaveLength(2);
  });

  test("is what a script's children import too, and the packages of the machine's Python are not", async () => {
    const script = `import subprocess, sys
print(sys.prefix != sys.base_prefix, [entry for entry in sys.path if "dist-packages" in entry])
print(subprocess.run([sys.executable, "-c", "import greet; print(greet.WORD)"], capture_output=True, text=True).stdout)
try:
    open(sys.prefix + "/mine", "w")
except OSError as error:
    print(type(error).__name__)
`;
    await platform.deploy("children", { "requirements.txt": "greet==1.0\n", "main.py": script });
    const { output } = await runs.run("children");
    expect(output).toMatch(/^True \[\]\nhello from 1.0, please\n\n(PermissionError|OSError)\n$/);
  });

  test("that cannot be had refuses the deploy in the tool's own words, at its line, and nothing is left", async () => {
    const before = await environments();
    const text = "# what we need\ngreet==1.0\nno-such-thing>=3\n";
    const { status, body } = await platform.deploy("missing", { "requirements.txt": text, "main.py": main });
    expect(status).toBe(400);
    expect(body.problems).toEqual([
      {
        path: "requirements.txt:3",
        message: expect.stringContaining("No matching distribution found for no-such-thing>=3"),
      },
    ]);
    expect(await environments()).toEqual(before);
    expect((await platform.request("GET", "/api/v1/services/default/missing")).status).toBe(404);
  });

  test("whose build fails refuses the deploy in the build's own words, all of which are told", async () => {
    const backend = ["[build-system]", "requires = []", 'build-backend = "backend"', 'backend-path = ["."]'];
    const events = await runs.deployTold("unbuilt", {
      "requirements.txt": "./broken\n",
      "broken/pyproject.toml": [...backend, "[project]", 'name = "broken"', 'version = "1"', ""].join("\n"),
      "broken/backend.py": `def build_wheel(*all, **named):
    for number in range(100):
        print("compiling part", number)
    raise SystemExit("libfoo-dev is not installed")
`,
      "main.py": main,
    });
    const told = events.filter(({ event }) => event === "progress").map(({ data }) => data);
    expect(told).toContainEqual(expect.stringContaining("compiling part 0"));
    const problem = { message: expect.stringMatching(/compiling part 99\n.*libfoo-dev is not installed/) };
    expect(events.at(-1)).toMatchObject({ event: "refused", data: { status: 400, problems: [problem] } });
  });

  test("that leads to other files of the service is installed again when one of them changes", async () => {
    const files = (version: string) => ({
      "requirements.txt": "-r more/wanted.txt\n",
      "more/wanted.txt": `greet==${version}\n`,
      "main.py": main,
    });
    await platform.deploy("leads", files("1.0"));
    expect((await runs.run("leads")).output).toBe("hello from 1.0, please\n");
    await platform.deploy("leads", files("2.0"));
    expect((await runs.run("leads")).output).toBe("hello from 2.0, please\n");
  });

  test("with comments alone asks for nothing", async () => {
    const { body } = await platform.deploy("nothing", { "requirements.txt": "# none\n\n", "main.py": "print(1)" });
    expect(body).toMatchObject({ dependencies: [] });
  });

  test("is told of while it is installed, where the caller wants a stream", async () => {
    const events = await runs.deployTold("streamed", { "requirements.txt": "manners\n", "main.py": "import manners" });
    expect(events.map(({ event }) => event)).toEqual([...Array(events.length - 1).fill("progress"), "deployed"]);
    expect(events[0]?.data).toMatch(/^requirements.txt: installing with pip/);
    expect(events.at(-2)?.data).toMatch(/^requirements.txt: installed in \S+ s \(pip/);
    expect(events.at(-1)?.data).toMatchObject({ created: true, name: "streamed" });
    const refused = await runs.deployTold("streamed", { "requirements.txt": "absent\n", "main.py": "" });
    expect(refused.at(-1)).toMatchObject({
      event: "refused",
      data: { status: 400, problems: [{ path: "requirements.txt:1" }] },
    });
  });
});

describe("an install", () => {
  const flag = join(tempDirForFile(), "go");
  const backend = ["[build-system]", "requires = []", 'build-backend = "backend"', 'backend-path = ["."]'];
  const slow = {
    "requirements.txt": "./slow\n",
    "slow/pyproject.toml": [...backend, "[project]", 'name = "slow"', 'version = "1"', ""].join("\n"),
    "slow/backend.py": `import os, time
def build_wheel(*all, **named):
    while not os.path.exists(${JSON.stringify(flag)}):
        time.sleep(0.05)
    raise SystemExit("it went on to its end")
`,
    "main.py": main,
  };
  /** Deploys over a stream, whose reader leaves when told to; answers what it has read. */
  function deploy(name: string) {
    const leaving = new AbortController();
    const headers = {
      authorization: `Bearer ${testToken}`,
      "content-type": "application/gzip",
      accept: "text/event-stream",
    };
    const reading = packFiles(slow).then(async (body) => {
      const path = `/api/v1/services/default/${name}/versions`;
      const { signal } = leaving;
      const answer = await fetch(platform.url + path, { method: "POST", body, headers, signal });
      return answer.text();
    });
    return { leave: () => leaving.abort(), read: reading.catch((error: Error) => error.name) };
  }

  test("ends when nobody waits for it any more, and only then", async () => {
    const before = await environments();
    const first = deploy("first");
    await eventually(async () => (await environments()).length > before.length);
    const second = deploy("second");
    const { leave, read } = deploy("third");
    leave();
    expect(await read).toBe("AbortError");
    first.leave();
    expect(await first.read).toBe("AbortError");
    writeFileSync(flag, "");
    expect(await second.read).toContain("it went on to its end");
    rmSync(flag);

    const alone = deploy("alone");
    await eventually(async () => (await environments()).length > before.length);
    alone.leave();
    expect(await alone.read).toBe("AbortError");
    await eventually(async () => expect(await environments()).toEqual(before));
    expect((await platform.request("GET", "/api/v1/services/default/alone")).status).toBe(404);
  });
});

describe("a run", () => {
  test("waits for an install only where its executor has not got the packages, and says so in its output", async () => {
    await platform.deploy("moved", { "requirements.txt": "greet==2.0\nmanners==1.0\n", "main.py": main });
    expect((await runs.run("moved")).logs).not.toContain("installing");
    // Known by nothing that the executor has, as on another machine.
    await platform.restartAround(forgetEnvironments, settings);
    const first = await runs.run("moved");
    expect(first.output).toBe("hello from 2.0, please\n");
    expect(first.logs).toMatch(/requirements.txt: installing with pip.*hello from 2.0, please/s);
    expect((await runs.run("moved")).logs).not.toContain("installing");
  });

  test("in a sandbox has its packages", async () => {
    const manifest = { "manifest.json": JSON.stringify({ isolation: "sandbox" }) };
    await platform.deploy("boxed", { ...manifest, "requirements.txt": "greet==1.0\n", "main.py": main });
    expect((await runs.run("boxed")).output).toBe("hello from 1.0, please\n");
  });

  test("whose packages cannot be installed fails to start, with the tool's own error", async () => {
    const shortLived = writeWheels(join(wheels, "..", "gone"), [{ ...manners, name: "fleeting" }]);
    await platform.restart({ ...settings, dependenciesFindLinks: shortLived });
    await platform.deploy("lost", { "requirements.txt": "fleeting\n", "main.py": "import manners" });
    rmSync(join(shortLived, "fleeting-1.0-py3-none-any.whl"));
    await platform.restartAround(forgetEnvironments, { ...settings, dependenciesFindLinks: shortLived });
    const { execution } = await runs.run("lost");
    expect(execution).toMatchObject({
      status: "failed",
      error: {
        kind: "start",
        message: expect.stringMatching(/main.py imports.*No matching distribution found for fleeting/s),
      },
    });
  });

  test("D7: whose index does not answer waits for it, which costs it no attempt", async () => {
    const index = await PackageIndex.serve(wheels);
    onTestFinished(() => index.close());
    vi.stubEnv("PIP_RETRIES", "1");
    const ofIndex = { FX_DEPENDENCIES_INDEX_URL: index.url };
    const online = await TestPlatform.start({ dependenciesPythonTool: "pip" }, ofIndex);
    onTestFinished(() => online.stop());
    const onlineRuns = new DependencyRuns(online);
    const files = { "requirements.txt": "greet==1.0\n", "main.py": main };
    expect(await online.deploy("patient", files)).toMatchObject({ status: 201 });
    index.isAway = true;
    await forgetEnvironments(online.directory);
    const id = await onlineRuns.begin("patient");
    // The tool has given up.
    await eventually(async () => (await onlineRuns.logsOf(id)).includes("No matching distribution"));
    index.isAway = false;
    const { status, attempt, losses, steps } = await eventually(async () => {
      const found = await online.execution(id);
      return found.status !== "in_progress" && found;
    });
    expect({ status, attempt, losses }).toEqual({ status: "completed", attempt: 1, losses: 0 });
    expect(steps.at(-1)?.output.preview).toBe("hello from 1.0, please\n");
  });

  test("D7: whose index answers with an error waits for it as well, and a deploy is told to come again", async () => {
    const index = await PackageIndex.serve(wheels);
    onTestFinished(() => index.close());
    vi.stubEnv("PIP_RETRIES", "1");
    const ofIndex = { FX_DEPENDENCIES_INDEX_URL: index.url };
    const online = await TestPlatform.start({ dependenciesPythonTool: "pip" }, ofIndex);
    onTestFinished(() => online.stop());
    const onlineRuns = new DependencyRuns(online);
    const files = { "requirements.txt": "greet==1.0\n", "main.py": main };
    index.failing = 503;
    expect(await online.deploy("patient", files)).toMatchObject({
      status: 503,
      body: {
        code: "unavailable",
        detail: expect.stringMatching(/nothing is wrong with the service .*deploy it again later/),
        problems: [{ path: "requirements.txt:1", message: expect.stringContaining("503") }],
      },
    });
    index.failing = undefined;
    expect(await online.deploy("patient", files)).toMatchObject({ status: 201 });
    index.failing = 503;
    await forgetEnvironments(online.directory);
    const id = await onlineRuns.begin("patient");
    await eventually(async () => (await onlineRuns.logsOf(id)).includes("No matching distribution"));
    index.failing = undefined;
    await eventually(async () => (await online.execution(id)).status === "completed");
    expect(await online.execution(id)).toMatchObject({ attempt: 1, losses: 0 });
  });

  test("has its packages also where scripts are not forked", async () => {
    await platform.restart({ ...settings, executorFork: "off" });
    await platform.deploy("cold", { "requirements.txt": "greet==1.0\n", "main.py": main });
    expect((await runs.run("cold")).output).toBe("hello from 1.0, please\n");
    await platform.restart(settings);
  });
});

describe("the manifest's python", () => {
  test("chooses the interpreter, for the deploy's look at the syntax and for the runs", async () => {
    const script = "import sys\nprint('%d.%d' % sys.version_info[:2])\n";
    await platform.deploy("plain", { "main.py": script });
    const version = (await runs.run("plain")).output.trim();
    await platform.deploy("chosen", { "manifest.json": JSON.stringify({ python: version }), "main.py": script });
    expect((await runs.run("chosen")).output.trim()).toBe(version);
  });

  test("refuses the deploy where that version is not here, and names those that are", async () => {
    const files = { "manifest.json": JSON.stringify({ python: "3.2" }), "main.py": "print(1)" };
    const { status, body } = await platform.deploy("old", files);
    expect(status).toBe(400);
    expect(body.problems).toEqual([
      { path: "manifest.json: python", message: expect.stringMatching(/^no Python 3\.2 .*there are .*3\.\d+\.\d+/) },
    ]);
  });
});

test("a platform that is stopped while packages are installed ends, and leaves nothing of them", async () => {
  const backend = "import time\nprint('building', flush=True)\ntime.sleep(600)\n";
  const project = `[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n`;
  const files = {
    "requirements.txt": "./endless\n",
    "endless/pyproject.toml": project,
    "endless/backend.py": backend,
    "main.py": "print(1)",
  };
  const before = await environments();
  const deploying = runs.deployTold("endless", files);
  await eventually(async () => (await environments()).length > before.length);
  await platform.restart(settings);
  expect((await deploying).at(-1)).toMatchObject({ event: "refused", data: { code: "unavailable" } });
  expect(await environments()).toEqual(before);
});

test("S3: what a package runs at its install is neither the platform nor a script, reads none of its data, and does not live on", async () => {
  const data = join(platform.directory, "data");
  const files = {
    ...packageThatLooksAround(["catalog.db", "config.db", "bus.db"].map((name) => join(data, name))),
    "requirements.txt": "./built\n",
    "main.py": "import json, built\nprint(json.dumps(built.SEEN))\n",
  };
  const deployed = await platform.deploy("builds", files);
  expect(deployed).toMatchObject({ status: 201 });
  const [child, uid, variables, ...read] = JSON.parse((await runs.run("builds")).output) as string[];
  expect(read).toEqual(Array(3).fill("PermissionError"));
  if (process.getuid?.() === 0) expect(uid).not.toBe("0");
  expect(variables).not.toContain("TOKEN");
  expect(await isAlive(Number(child))).toBe(false);
});

test("a package that an index has without a wheel is built or refused, as the setting says", async () => {
  writeSourcePackage(wheels, packageThatLooksAround([]));
  const files = { "requirements.txt": "built==1.0\n", "main.py": "import built\nprint(len(built.SEEN))\n" };
  await platform.deploy("source", files);
  expect((await runs.run("source")).output).toBe("3\n");
  await platform.restart({ ...settings, dependenciesSourceBuilds: "false" });
  const { status, body } = await platform.deploy("source", { ...files, "more.txt": "" });
  expect(status).toBe(400);
  expect(body.problems?.[0]?.path).toBe("requirements.txt:1");
});
