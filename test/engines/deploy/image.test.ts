import { randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { afterAll, beforeAll, expect, test } from "vitest";
import { parse } from "yaml";
import packageJson from "../../../package.json" with { type: "json" };
import { allRoles } from "../../../src/platform/roles.ts";
import { eventually } from "../../support/eventually.ts";
import { buildImage, image } from "../../support/image.ts";
import { Podman } from "../../support/podman.ts";
import { tempDirForFile } from "../../support/temp-dir.ts";

/** As compose.yaml and the chart run it. */
const restricted = ["--cap-drop=all", "--security-opt=no-new-privileges", "--network=none"];
const directory = tempDirForFile();
let podman: Podman;

beforeAll(async () => {
  podman = new Podman(directory);
  await buildImage(podman, directory);
}, 1_800_000);
afterAll(() => podman.clear());

test("the image runs fx as an ordinary user, and each role of it wants engines that all share", async () => {
  const idle = await podman.run("run", "--detach", ...restricted, "--entrypoint=sleep", image, "infinity");
  const exec = (...command: string[]) => podman.run("exec", idle, ...command);
  expect(await exec("fx", "version")).toContain(packageJson.version);
  expect(await exec("id", "-u")).toBe("10001");
  for (const role of allRoles) {
    await expect(exec("fx", role)).rejects.toThrow(`${role} alone needs engines that the other roles reach too`);
  }
  await podman.run("rm", "--force", "--time=0", idle);
});

test("fx start in it is healthy, keeps scripts apart, runs one, and ends at SIGTERM", async () => {
  const environment = ["--env=FX_EXECUTOR_ISOLATION=require", `--env=FX_TOKEN=${randomBytes(24).toString("hex")}`];
  const container = await podman.run("run", "--detach", ...restricted, ...environment, image);
  const exec = (...command: string[]) => podman.run("exec", container, ...command);
  const compose = readFileSync(new URL("../../../deploy/compose.yaml", import.meta.url), "utf8");
  const [, ...check] = (parse(compose) as { "x-platform": { healthcheck: { test: string[] } } })["x-platform"]
    .healthcheck.test;
  await eventually(() => exec(...check).then(() => true), { withinMs: 90_000, everyMs: 500 });

  const script = "import os; print('of', os.getuid(), 'in Python')";
  await exec("sh", "-c", `mkdir /tmp/hello && echo "$1" > /tmp/hello/main.py`, "sh", script);
  await exec("fx", "deploy", "/tmp/hello");
  expect(await exec("fx", "run", "hello", "--wait")).toContain("of 10001 in Python");

  await podman.run("stop", "--time=30", container);
  expect(await podman.run("inspect", "--format={{.State.ExitCode}}", container)).toBe("0");
});
