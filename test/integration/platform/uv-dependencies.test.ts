import { rm } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from "vitest";
import { findPython } from "../../../src/executor/runtimes/find-python.ts";
import { eventually } from "../../support/eventually.ts";
import { findOtherPython, minorOf } from "../../support/other-python.ts";
import { PackageIndex } from "../../support/package-index.ts";
import { TestPlatform } from "../../support/platform.ts";
import { packageThatLooksAround, type Wheel, writeWheels } from "../../support/python-packages.ts";
import { sayUntested } from "../../support/say-untested.ts";
import { tempDirForFile } from "../../support/temp-dir.ts";
import { bringUv, layUv } from "../../support/uv.ts";
import { DependencyRuns } from "./dependency-runs.ts";

const uv = await bringUv();
const directory = tempDirForFile();
const greet: Wheel = { name: "greet", version: "1.0", files: { "greet.py": "WORD = 'hello'\n" } };
const wheels = writeWheels(join(directory, "wheels"), [greet]);
const offline = { dependenciesFindLinks: wheels, dependenciesOffline: "true" };
const script = "import sys, greet\nprint('%d.%d' % sys.version_info[:2], greet.WORD, sys.prefix != sys.base_prefix)\n";
const files = { "requirements.txt": "# what we need\ngreet==1.0\n", "main.py": script };
const { command, version } = await findPython({
  searchPath: process.env.PATH,
  othersMustReach: process.getuid?.() === 0,
});

describe.skipIf(uv.missing)(`uv${uv.missing ? ` (skipped: ${uv.missing})` : ""}`, () => {
  let platform: TestPlatform;
  let runs: DependencyRuns;
  beforeAll(async () => {
    if (uv.missing !== undefined) return;
    vi.stubEnv("PATH", `${layUv(uv.command, join(directory, "bin"))}:${process.env.PATH}`);
    platform = await TestPlatform.start(offline);
    runs = new DependencyRuns(platform);
  });
  afterAll(async () => {
    vi.unstubAllEnvs();
    await platform.stop();
  });

  test("installs requirements.txt where it is on the search path, and scripts see what it installed", async () => {
    const tool = `uv ${"version" in uv ? uv.version : ""} for Python ${version}`;
    const deployed = await platform.deploy("greets", files);
    expect(deployed).toMatchObject({
      status: 201,
      body: { dependencies: [{ file: "requirements.txt", tool, cached: false }] },
    });
    expect((await runs.run("greets")).output).toBe(`${minorOf(version)} hello True\n`);
    const boxed = { ...files, "manifest.json": JSON.stringify({ isolation: "sandbox", python: minorOf(version) }) };
    await platform.deploy("boxed", boxed);
    expect((await runs.run("boxed")).output).toBe(`${minorOf(version)} hello True\n`);
  });

  test("builds what has no wheel, by the same rules as pip", async () => {
    const catalog = join(platform.directory, "data", "catalog.db");
    const built = { ...packageThatLooksAround([catalog]), "requirements.txt": "./built\n" };
    const source = { ...built, "main.py": "import built\nprint(built.SEEN[-1])\n" };
    expect(await platform.deploy("builds", source)).toMatchObject({ status: 201 });
    expect((await runs.run("builds")).output).toBe("PermissionError\n");
  });

  test.each([
    ["greet==1.0\nno-such-thing>=3\n", /no-such-thing/],
    ["greet==1.0\ngreet==\n", /greet==/],
  ])("refuses in its own words, at the line that asked for it: %j", async (requirements, words) => {
    const { status, body } = await platform.deploy("refused", { ...files, "requirements.txt": requirements });
    expect(status).toBe(400);
    expect(body.problems).toEqual([{ path: "requirements.txt:2", message: expect.stringMatching(words) }]);
  });

  test("D7: a run whose index does not answer waits for it, which costs it no attempt", async () => {
    const index = await PackageIndex.serve(wheels);
    onTestFinished(() => index.close());
    const online = await TestPlatform.start({}, { FX_DEPENDENCIES_INDEX_URL: index.url });
    onTestFinished(() => online.stop());
    const onlineRuns = new DependencyRuns(online);
    expect(await online.deploy("patient", files)).toMatchObject({ status: 201 });
    index.isAway = true;
    await rm(join(online.directory, "data", "environments"), { recursive: true });
    const id = await onlineRuns.begin("patient");
    // The tool has given up.
    await eventually(async () => (await onlineRuns.logsOf(id)).includes("Request failed after"));
    index.isAway = false;
    const { status, attempt, steps } = await eventually(async () => {
      const found = await online.execution(id);
      return found.status !== "in_progress" && found;
    });
    expect({ status, attempt }).toEqual({ status: "completed", attempt: 1 });
    expect(steps.at(-1)?.output.preview).toBe(`${minorOf(version)} hello True\n`);
  });
});

const other = await findOtherPython(version);
if (other === undefined) {
  sayUntested("a second version of Python for a service", `there is none beside ${version}`);
} else {
  const wanted = minorOf(other.version);
  test.each(uv.missing ? ["pip"] : ["pip", "uv"])(
    "a service runs on another version of Python than the platform's, with packages that %s installed for it",
    async (tool) => {
      const tools = uv.missing === undefined ? layUv(uv.command, join(directory, "bin")) : directory;
      vi.stubEnv("PATH", `${other.directory}:${tools}:${process.env.PATH}`);
      onTestFinished(() => void vi.unstubAllEnvs());
      const platform = await TestPlatform.start({
        ...offline,
        dependenciesPythonTool: tool,
        executorPython: command,
        // It may lie in a home, which other users cannot enter.
        executorIsolation: "off",
      });
      onTestFinished(() => platform.stop());
      const runs = new DependencyRuns(platform);
      const manifest = { "manifest.json": JSON.stringify({ python: wanted }) };
      expect(await platform.deploy("other", { ...files, ...manifest })).toMatchObject({
        status: 201,
        body: { dependencies: [{ tool: expect.stringMatching(`^${tool} .* for Python ${other.version}$`) }] },
      });
      await platform.deploy("bare", { ...manifest, "main.py": "import sys\nprint(sys.version.split()[0])\n" });
      await platform.deploy("standard", files);
      expect((await runs.run("other")).output).toBe(`${wanted} hello True\n`);
      expect((await runs.run("bare")).output).toBe(`${other.version}\n`);
      expect((await runs.run("standard")).output).toBe(`${minorOf(version)} hello True\n`);
    },
  );
}
