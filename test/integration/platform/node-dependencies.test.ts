import { mkdirSync } from "node:fs";
import { readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { TestPlatform } from "../../support/platform.ts";
import { DependencyRuns } from "./dependency-runs.ts";

const settings = { dependenciesOffline: "true" };
let platform: TestPlatform;
let runs: DependencyRuns;
beforeAll(async () => {
  platform = await TestPlatform.start(settings);
  runs = new DependencyRuns(platform);
});
afterAll(() => platform.stop());

/** A package in the service's own directory, in both of Node's forms, with a script that would run at its install. */
const greeter = (word: string) => ({
  "vendor/greeter/package.json": JSON.stringify({
    name: "greeter",
    version: "1.0.0",
    exports: { import: "./index.mjs", require: "./index.cjs" },
    scripts: { install: "node -e \"require('fs').writeFileSync('ran.txt', 'x')\"" },
  }),
  "vendor/greeter/index.mjs": `export default "imported ${word}";`,
  "vendor/greeter/index.cjs": `module.exports = "required ${word}";`,
});
const asks = { "package.json": JSON.stringify({ type: "module", dependencies: { greeter: "file:./vendor/greeter" } }) };
const main = `import { createRequire } from "node:module";
import { existsSync } from "node:fs";
import greeting from "greeter";
console.log(greeting, "and", createRequire(import.meta.url)("greeter"));
console.log("install script", existsSync(new URL("./ran.txt", import.meta.resolve("greeter"))) ? "ran" : "did not run");
`;

describe("package.json", () => {
  test("is installed for import and for require, without scripts of packages, and apart for each content", async () => {
    const first = await platform.deploy("one", { ...asks, ...greeter("one"), "main.js": main });
    expect(first).toMatchObject({
      status: 201,
      body: {
        dependencies: [{ file: "package.json", tool: expect.stringMatching(/^npm \S+ for Node/), cached: false }],
      },
    });
    await platform.deploy("two", { ...asks, ...greeter("two"), "main.js": main });
    expect((await runs.run("one")).output).toBe("imported one and required one\ninstall script did not run\n");
    expect((await runs.run("two")).output).toBe("imported two and required two\ninstall script did not run\n");
    const names = await readdir(join(platform.directory, "data", "environments"));
    expect(names.filter((name) => name.startsWith("node-"))).toHaveLength(2);
  });

  test("is found from TypeScript in a directory of the service, also after the version was unpacked again", async () => {
    const script = `import greeting from "greeter";\nconst word: string = greeting;\nconsole.log(word);\n`;
    await platform.deploy("deep", {
      ...asks,
      ...greeter("deep"),
      "manifest.json": JSON.stringify({ entrypoint: "steps/main.ts" }),
      "steps/main.ts": script,
    });
    expect((await runs.run("deep")).output).toBe("imported deep\n");
    await rm(join(platform.directory, "data", "run", "versions"), { recursive: true });
    mkdirSync(join(platform.directory, "data", "run", "versions"), { mode: 0o711 });
    expect((await runs.run("deep")).output).toBe("imported deep\n");
  });

  test("with a lock is installed as the lock says; one that does not fit refuses the deploy in npm's words", async () => {
    const lock = (specifier: string) =>
      JSON.stringify({
        name: "locked",
        lockfileVersion: 3,
        requires: true,
        packages: {
          "": { dependencies: { greeter: specifier } },
          "node_modules/greeter": { resolved: "vendor/greeter", link: true },
          "vendor/greeter": { version: "1.0.0", hasInstallScript: true },
        },
      });
    const files = { ...asks, ...greeter("locked"), "main.js": main };
    const fitting = await platform.deploy("locked", { ...files, "package-lock.json": lock("file:vendor/greeter") });
    expect(fitting.status).toBe(201);
    expect((await runs.run("locked")).output).toContain("imported locked");
    const wanted = { dependencies: { greeter: "file:./vendor/greeter", other: "file:./vendor/other" } };
    const unfit = { "package.json": JSON.stringify(wanted), "package-lock.json": lock("file:vendor/greeter") };
    const refused = await platform.deploy("locked", { ...files, ...unfit });
    expect(refused.status).toBe(400);
    expect(refused.body.problems).toEqual([
      { path: expect.stringMatching(/^package\.json/), message: expect.stringMatching(/npm .*in sync/s) },
    ]);
  });

  test("that cannot be had refuses the deploy at its line, and nothing is left", async () => {
    const before = await readdir(join(platform.directory, "data", "environments"));
    const text = `{\n  "dependencies": {\n    "no-such-thing-here": "^1.0.0"\n  }\n}\n`;
    const { status, body } = await platform.deploy("missing", { "package.json": text, "main.js": "1" });
    expect(status).toBe(400);
    expect(body.problems).toEqual([
      { path: "package.json:3", message: expect.stringMatching(/npm error.*no-such-thing-here/s) },
    ]);
    const nowhere = { "package.json": text.replace("^1.0.0", "file:./nowhere"), "main.js": "1" };
    expect((await platform.deploy("missing", nowhere)).body.problems).toEqual([
      {
        path: "package.json:3",
        message: expect.stringContaining("no-such-thing-here was to come from: file:./nowhere"),
      },
    ]);
    expect(await readdir(join(platform.directory, "data", "environments"))).toEqual(before);
  });

  test("that is no JSON, or asks for nothing, or comes with node_modules, needs no tool", async () => {
    const broken = await platform.deploy("broken", { "package.json": "{nope", "main.js": "1" });
    expect(broken.body.problems).toEqual([{ path: "package.json", message: expect.stringMatching(/^must be JSON/) }]);
    const bare = await platform.deploy("bare", { "package.json": `{"type":"module"}`, "main.js": "1" });
    expect(bare.body).toMatchObject({ dependencies: [] });
    const own = { "node_modules/greeter/index.js": `module.exports = "brought along";` };
    const brought = await platform.deploy("brought", {
      "package.json": JSON.stringify({ dependencies: { greeter: "1" } }),
      ...own,
      "main.cjs": `console.log(require("greeter"))`,
    });
    expect(brought.body).toMatchObject({ dependencies: [] });
    expect((await runs.run("brought")).output).toBe("brought along\n");
  });
});

test.each(["node", "bun"])("a script on %s has its packages", async (runtime) => {
  const manifest = { "manifest.json": JSON.stringify({ runtime }) };
  const script = `${main}console.log(process.versions.bun === undefined ? "node" : "bun");`;
  await platform.deploy(`on-${runtime}`, { ...manifest, ...asks, ...greeter("here"), "main.js": script });
  const { output } = await runs.run(`on-${runtime}`);
  expect(output).toBe(`imported here and required here\ninstall script did not run\n${runtime}\n`);
});

test("a run in a sandbox has its packages", async () => {
  const manifest = { "manifest.json": JSON.stringify({ isolation: "sandbox" }) };
  await platform.deploy("boxed", { ...manifest, ...asks, ...greeter("boxed"), "main.js": main });
  expect((await runs.run("boxed")).output).toContain("imported boxed and required boxed");
});

test("scripts of packages run at the install where a setting lets them", async () => {
  await platform.restart({ ...settings, dependenciesNpmScripts: "true" });
  await platform.deploy("scripted", { ...asks, ...greeter("scripted"), "main.js": main });
  expect((await runs.run("scripted")).output).toContain("install script ran");
});
