import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { fx, fxJson, startFx } from "../../support/cli.ts";
import { eventually } from "../../support/eventually.ts";
import { TestPlatform } from "../../support/platform.ts";
import { writeFiles } from "../../support/service-directory.ts";
import { tempDir } from "../../support/temp-dir.ts";

let platform: TestPlatform;
beforeAll(async () => {
  platform = await TestPlatform.start();
});
afterAll(() => platform.stop());

interface Report {
  name: string;
  outcome: string;
  version: string | null;
  problems: { path: string; message: string }[];
}

test("a broken service is told with file and line, does not hold up the others, and the exit code says so", async () => {
  const directory = writeFiles(tempDir(), {
    "works/main.py": "print(1)",
    "broken/main.py": "x = 1\nif x\n",
    "wrong/manifest.json": '{"priority": "high"}',
    "wrong/main.py": "",
    "Bad Name/main.py": "",
  });
  const { code, out, talk } = await fx(["deploy", directory], platform);
  expect(code).toBe(1);
  expect(out).toMatch(/default\/works {2}deployed {2}version/);
  expect(out).toMatch(/default\/broken {2}refused/);
  expect(talk).toContain("broken/main.py:2: SyntaxError");
  expect(talk).toMatch(/wrong\/manifest\.json: priority/);
  expect(talk).toContain('"Bad Name" cannot be its name');
  expect(talk).toContain("3 of 4 services refused");
});

test("the same content again is unchanged, and has the same version", async () => {
  const directory = writeFiles(tempDir(), { "same/main.py": "print(1)" });
  const [first] = await fxJson<Report[]>(["deploy", directory, "--project", "fleet"], platform);
  const [second] = await fxJson<Report[]>(["deploy", directory, "--project", "fleet"], platform);
  expect(first).toMatchObject({ name: "same", outcome: "deployed" });
  expect(second).toMatchObject({ name: "same", outcome: "unchanged", version: first?.version });
});

test("a version is rolled back to by the beginning of its id, as tables show it", async () => {
  const directory = tempDir();
  const deployed = async (source: string) => {
    writeFiles(directory, { "rolled/main.py": source });
    const [report] = await fxJson<Report[]>(["deploy", join(directory, "rolled")], platform);
    return report?.version ?? "";
  };
  const first = await deployed("print(1)");
  const second = await deployed("print(2)");
  const { out } = await fx(["services", "versions", "rolled"], platform);
  expect(out).toMatch(new RegExp(`${second.slice(0, 12)} +active.*\\n${first.slice(0, 12)} `));
  const change = (version: string) => ["services", "change", "rolled", "--version", version];
  expect(await fxJson(change(first.slice(0, 12)), platform)).toMatchObject({ activeVersion: first });
  expect(await fxJson(change(second), platform)).toMatchObject({ activeVersion: second });
  const unknown = await fx(change("none-such"), platform);
  expect(unknown).toMatchObject({ code: 3, talk: expect.stringContaining("fix: fx services versions default/rolled") });
});

test("a deploy that undoes a roll-back says that its version is active again, and which one was", async () => {
  const directory = tempDir();
  const deploy = () => fxJson<Report[]>(["deploy", join(directory, "undone")], platform);
  writeFiles(directory, { "undone/main.py": "print(1)" });
  const [good] = await deploy();
  expect(good).toMatchObject({ outcome: "deployed", formerVersion: null });
  writeFiles(directory, { "undone/main.py": "print(2)" });
  const [bad] = await deploy();
  const back = ["services", "change", "undone", "--version", good?.version ?? ""];
  await fxJson(back, platform);
  expect(await deploy()).toMatchObject([{ outcome: "activated", version: bad?.version, formerVersion: good?.version }]);
  await fxJson(back, platform);
  const { out } = await fx(["deploy", join(directory, "undone")], platform);
  expect(out).toContain(
    `default/undone  activated  version ${bad?.version?.slice(0, 12)} (was ${good?.version?.slice(0, 12)})`,
  );
  expect(await deploy()).toMatchObject([{ outcome: "unchanged", formerVersion: bad?.version }]);
});

test("two directories with one name are refused before anything is deployed, with both and where the name comes from", async () => {
  const directory = writeFiles(tempDir(), {
    "all/alone/main.py": "",
    "all/twin/main.py": "",
    "all/zwilling/main.py": "",
    "all/zwilling/manifest.json": '{"name": "twin"}',
  });
  const [twin, other] = [join(directory, "all/twin"), join(directory, "all/zwilling")];
  for (const words of [[join(directory, "all")], [twin, other]]) {
    const { code, out, talk } = await fx(["deploy", ...words], platform);
    expect([code, out]).toEqual([2, ""]);
    expect(talk).toContain(`${twin} (the directory's name) and ${other} ("name" in its manifest.json)`);
  }
  const services = await fxJson<{ name: string }[]>(["services"], platform);
  expect(services.map(({ name }) => name)).not.toContain("alone");
  // One directory that is named twice is one.
  expect(await fxJson(["deploy", twin, twin], platform)).toHaveLength(1);
});

test("--watch ends where no platform answers", async () => {
  const directory = writeFiles(tempDir(), { "watched/main.py": "print(1)" });
  const { code } = await fx(["deploy", directory, "--watch"], { url: "http://127.0.0.1:1" });
  expect(code).toBe(4);
});

test("--watch deploys again when a file is saved", async () => {
  const directory = writeFiles(tempDir(), { "watched/main.py": "print(1)" });
  const watching = startFx(["deploy", directory, "--watch"], platform);
  await eventually(() => watching.talk.includes("watching 1 directory"));
  writeFileSync(join(directory, "watched/main.py"), "print(2)");
  await eventually(() => watching.out.match(/deployed/g)?.length === 2);
  const services = await fxJson<{ name: string }[]>(["services"], platform);
  expect(services).toContainEqual(expect.objectContaining({ name: "watched" }));
});
