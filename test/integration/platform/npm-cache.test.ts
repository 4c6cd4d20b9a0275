import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { chmodSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect, onTestFinished, test } from "vitest";
import { findNpm } from "../../../src/executor/environments/package-tools.ts";
import { TestPlatform } from "../../support/platform.ts";
import { tempDir } from "../../support/temp-dir.ts";
import { DependencyRuns } from "./dependency-runs.ts";

/** As the platform finds it. */
async function npm(directory: string, ...args: string[]): Promise<void> {
  const found = await findNpm({ searchPath: process.env.PATH, othersMustReach: false });
  if (found === undefined) throw new Error("there is no npm on this machine");
  const env = { PATH: "/usr/local/bin:/usr/bin:/bin", HOME: directory };
  await promisify(execFile)(process.execPath, [found.program, ...args], { env });
}

/** Every file of a directory with its size and time of change. */
function listing(directory: string): string[] {
  return readdirSync(directory, { recursive: true, encoding: "utf8" })
    .sort()
    .map((name) => {
      const { size, mtimeMs } = statSync(join(directory, name));
      return `${name} ${size} ${mtimeMs}`;
    });
}

/** A registry of one package, asked by npm to fill a cache; it is gone afterwards. Answers the cache, and where the registry was. */
async function filledCache(): Promise<{ cache: string; registry: string }> {
  const directory = tempDir();
  chmodSync(directory, 0o755);
  const source = join(directory, "greeter");
  mkdirSync(source);
  writeFileSync(join(source, "package.json"), JSON.stringify({ name: "greeter", version: "1.2.0", main: "index.js" }));
  writeFileSync(join(source, "index.js"), `module.exports = (name) => "Good morning, " + name;\n`);
  await npm(directory, "pack", source, "--pack-destination", directory);
  const archive = readFileSync(join(directory, "greeter-1.2.0.tgz"));
  const server = createServer(({ url }, response) => {
    if (url?.endsWith(".tgz")) return void response.end(archive);
    if (url !== "/greeter") return void response.writeHead(404).end("{}");
    const dist = { tarball: `${registry}greeter-1.2.0.tgz`, integrity };
    const versions = { "1.2.0": { name: "greeter", version: "1.2.0", dist } };
    response.setHeader("content-type", "application/json");
    response.end(JSON.stringify({ name: "greeter", "dist-tags": { latest: "1.2.0" }, versions }));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const registry = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  const integrity = `sha512-${createHash("sha512").update(archive).digest("base64")}`;
  const cache = join(directory, "cache");
  await npm(directory, "cache", "add", "greeter@1.2.0", "--cache", cache, "--registry", registry);
  server.closeAllConnections();
  server.close();
  return { cache, registry };
}

const files = {
  "package.json": `{\n  "dependencies": {\n    "greeter": "^1.0.0"\n  }\n}\n`,
  "main.js": `console.log(require("greeter")("Bern"));\n`,
};

async function offline(settings: Record<string, string>): Promise<TestPlatform> {
  const platform = await TestPlatform.start({ dependenciesOffline: "true", ...settings });
  onTestFinished(() => platform.stop());
  return platform;
}

test("a package of a registry is installed offline from a cache that npm has filled, which stays as it is", async () => {
  const { cache, registry } = await filledCache();
  const before = listing(cache);
  const platform = await offline({ dependenciesNpmCache: cache, dependenciesNpmRegistry: registry });
  expect(await platform.deploy("cached", files)).toMatchObject({ status: 201 });
  expect((await new DependencyRuns(platform).run("cached")).output).toBe("Good morning, Bern\n");
  expect(listing(cache)).toEqual(before);
});

test("without it, or without the package in it, the deploy is refused at the line that asked for it", async () => {
  const { cache, registry } = await filledCache();
  const bare = await offline({ dependenciesNpmRegistry: registry });
  expect(await bare.deploy("cached", files)).toMatchObject({
    status: 400,
    body: { problems: [{ path: "package.json:3" }] },
  });
  const platform = await offline({ dependenciesNpmCache: cache, dependenciesNpmRegistry: registry });
  const other = { ...files, "package.json": files["package.json"].replace("greeter", "other") };
  const { status, body } = await platform.deploy("other", other);
  expect([status, body.problems]).toMatchObject([
    400,
    [{ path: "package.json:3", message: expect.stringContaining("other") }],
  ]);
});

test("a directory that is no cache of npm's is told with how to fill one", async () => {
  const directory = tempDir();
  chmodSync(directory, 0o755);
  const platform = await offline({ dependenciesNpmCache: directory });
  const { status, body } = await platform.deploy("cached", files);
  const detail = expect.stringMatching(/no cache of npm's.*npm cache add.*dependencies\.npmCache/);
  expect({ status, body }).toMatchObject({ status: 400, body: { detail } });
});
