import { execFile } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { findBun } from "../../../src/executor/runtimes/find-bun.ts";
import { findPython } from "../../../src/executor/runtimes/find-python.ts";
import type { JsonObject } from "../../../src/foundation/json.ts";
import { writeFiles } from "../../support/service-directory.ts";
import { tempDir } from "../../support/temp-dir.ts";
import { type Fixture, fixtures, type Player, players } from "./fixture-players.ts";

const sdk = fileURLToPath(new URL("../../../sdk/", import.meta.url));
const { command: python } = await findPython({ searchPath: process.env.PATH, othersMustReach: false });
const { command: bun } = await findBun(undefined);

interface Ended {
  exitCode: number;
  stdout: string;
  stderr: string;
}

/** Runs a script as a person would, with the SDK where a package manager puts it. */
function runLocally(
  { script, runtime }: Pick<Player, "script" | "runtime">,
  directory: string,
  variables: Record<string, string>,
): Promise<Ended> {
  const node: [string, string[]] = [process.execPath, ["--no-warnings"]];
  const [command, flags] = script.endsWith(".py") ? [python, ["-B"]] : runtime === "bun" ? [bun, []] : node;
  const packages = join(directory, "node_modules", "@streamzero");
  if (!script.endsWith(".py") && !existsSync(packages)) {
    mkdirSync(packages, { recursive: true });
    symlinkSync(join(sdk, "typescript"), join(packages, "fx"));
  }
  const env = { PATH: process.env.PATH, PYTHONPATH: join(sdk, "python"), PYTHONIOENCODING: "utf-8", ...variables };
  return new Promise((resolve) => {
    execFile(command, [...flags, join(directory, script), "{}"], { env, cwd: directory }, (error, stdout, stderr) => {
      resolve({ exitCode: Number(error?.code ?? 0), stdout, stderr });
    });
  });
}

const local = { EF_ENV: "local" };
const inLocalWords = (value: unknown) =>
  typeof value === "string" ? value.replace(/^derived-/, "local-event-").replace(/^job-/, "local-job-") : value;

/** What a case's calls are told as, in order of kind. */
function toldOf({ emitted, logged, results, retried, secrets }: Fixture): unknown[] {
  return [
    ...(emitted ?? []).map((event) => ["send", event]),
    ...(logged ?? []).map(({ level, message }) => ["log", `${level}: ${message}`]),
    ...(results ?? []).map((result) => ["result", result]),
    ...(retried ?? []).map((when) => [
      "retry",
      ["delayMs" in when ? `${when.delayMs}` : `${when.cron} ${when.timezone}`, when.parameters],
    ]),
    ...(secrets ?? []).map(({ name, scope }) => ["secret", `${name} ${scope}`]),
  ];
}

function readTold(stderr: string): unknown[] {
  const read = (given: string | undefined) => (given === undefined ? undefined : JSON.parse(given));
  const kinds: [string, RegExp, (groups: string[]) => unknown][] = [
    ["send", /^would send \S+: (.*)$/s, ([event = ""]) => JSON.parse(event)],
    ["log", /^((?:debug|info|warning|error|critical): .*)$/s, ([line]) => line],
    ["result", /^offers the next step: (.*)$/s, ([value = ""]) => JSON.parse(value)],
    [
      "retry",
      /^would run again in (\S*) seconds(?: with (.*))?$/,
      ([seconds, given]) => [`${Number(seconds) * 1000}`, read(given)],
    ],
    [
      "retry",
      /^would run again at the next time of '(.*)' in (\S*)(?: with (.*))?$/,
      ([cron, zone, given]) => [`${cron} ${zone}`, read(given)],
    ],
    ["secret", /^stored the secret (\S+) in \S+ \(would be of scope (\S+)\)$/, (groups) => groups.join(" ")],
  ];
  const lines = stderr.split(/^\[fx\] /m).filter(Boolean);
  const told = lines.map((line) => {
    for (const [kind, form, tell] of kinds) {
      const found = form.exec(line.replace(/\n$/, ""));
      if (found) return [kind, tell(found.slice(1))];
    }
    return ["unknown", line];
  });
  const order = ["send", "log", "result", "retry", "secret", "unknown"];
  return order.flatMap((kind) => told.filter(([found]) => found === kind));
}

/** The language, whatever runs it. */
const family = (language: string) => language.split(" ", 1)[0] ?? "";

const readers: Record<string, string> = {
  python: "from fx_ef import context\nprint(context.state.get())\n",
  typescript: 'import { context } from "@streamzero/fx";\nconsole.log(await context.state.get());\n',
};

const readmes: Record<string, { file: string; heading: string }> = {
  python: { file: "python/README.md", heading: "from fx_ef import context, get_param" },
  typescript: { file: "typescript/README.md", heading: 'import { context, getParam } from "@streamzero/fx";' },
};

describe.each(Object.entries(players))("EF_ENV=local in %s", (language, player) => {
  const { script, source } = player;
  it.each(fixtures.filter(([, fixture]) => fixture.local !== false))("passes %s", async (_name, fixture) => {
    const { given, calls } = fixture;
    const { params, state, refuses: _refuses, ...rest } = given;
    const directory = writeFiles(tempDir(), {
      [script]: source,
      "calls.json": JSON.stringify(calls),
      "ef_env.json": JSON.stringify({
        ...rest,
        params: { ...params, package_name: "orders", package_id: "shop/orders" },
        event: { type: "test.happened" },
      }),
      "ef_package_state.json": JSON.stringify(state ?? {}),
    });
    const { exitCode, stdout, stderr } = await runLocally(player, directory, local);
    expect([exitCode, exitCode === 0 ? "" : stderr]).toEqual([0, ""]);
    const [, ...returned] = stdout
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line));
    expect(returned).toEqual(fixture.returned.map(inLocalWords));
    expect(readTold(stderr)).toEqual(toldOf(fixture));
    const kept = (name: string): JsonObject => JSON.parse(readFileSync(join(directory, name), "utf8"));
    expect(kept("ef_package_state.json")).toEqual(fixture.state ?? {});
    const set = Object.fromEntries((fixture.secrets ?? []).map(({ name, value }) => [name, value]));
    expect(kept("ef_env.json").secrets ?? {}).toEqual({ ...given.secrets, ...set });
  });

  it("refuses another event under an id that the run has given, and takes the same one again (rule D10)", async () => {
    const send = (data: unknown) => ({ do: "send", type: "a.b", options: { data, id: "k-9" } });
    const calls = JSON.stringify([send({ n: 1 }), send({ n: 1 }), send({ n: 2 })]);
    const directory = writeFiles(tempDir(), { [script]: source, "calls.json": calls });
    const { stdout } = await runLocally(player, directory, local);
    expect(stdout.trimEnd().split("\n").slice(1)).toEqual([
      '"k-9"',
      '"k-9"',
      expect.stringMatching(/^\{"refused": ?"conflict"\}$/),
    ]);
  });

  it("makes both files when the context is first used, and keeps what is put between runs", async () => {
    const calls = JSON.stringify([{ do: "get" }, { do: "put", key: "n", value: 1 }, { do: "about" }]);
    const directory = writeFiles(tempDir(), { [`weather/${script}`]: source, "weather/calls.json": calls });
    const service = join(directory, "weather");
    const first = await runLocally(player, service, local);
    expect(first).toMatchObject({ exitCode: 0, stderr: expect.stringContaining("[fx] made ") });
    expect(JSON.parse(readFileSync(join(service, "ef_env.json"), "utf8"))).toEqual({
      params: {},
      secrets: {},
      config: {},
    });
    expect(first.stdout).toMatch(/"id": ?"local\/weather"/);
    const second = await runLocally(player, service, local);
    expect(second.stderr).toBe("");
    expect(JSON.parse(second.stdout.split("\n")[1] ?? "")).toEqual({ n: 1 });
  });

  it.each([
    ["ef_env.json", '{"params": {},', "is not JSON"],
    ["ef_env.json", "[]", "is not a JSON object"],
    ["ef_env.json", '{"config": 7}', "'config' in "],
    ["ef_package_state.json", "", "is not JSON"],
  ])("names %s when it holds %j", async (name, content, complaint) => {
    const directory = writeFiles(tempDir(), { [script]: readers[family(language)] ?? "", [name]: content });
    const { exitCode, stderr } = await runLocally(player, directory, local);
    expect(exitCode).toBe(1);
    expect(stderr).toContain(join(directory, name));
    expect(stderr).toContain(complaint);
    expect(readFileSync(join(directory, name), "utf8")).toBe(content);
  });

  it("reads and makes nothing by an import, and says without a run how to have one", async () => {
    const isPython = script.endsWith(".py");
    const only = isPython ? "import fx_ef, ferris_ef\n" : 'import { context } from "@streamzero/fx";\nvoid context;\n';
    const directory = writeFiles(tempDir(), {
      [`only-${script}`]: only,
      [script]: source,
      "calls.json": '[{"do":"get"}]',
    });
    expect(await runLocally({ ...player, script: `only-${script}` }, directory, local)).toEqual({
      exitCode: 0,
      stdout: "",
      stderr: "",
    });
    expect(existsSync(join(directory, "ef_env.json"))).toBe(false);
    const { exitCode, stderr } = await runLocally(player, directory, {});
    expect(exitCode).toBe(1);
    expect(stderr).toContain("there is no run");
    expect(stderr).toContain("set EF_ENV=local");
    expect(existsSync(join(directory, "ef_env.json"))).toBe(false);
  });

  it("runs the README's example and each call of its table", async () => {
    const { file, heading } = readmes[family(language)] as (typeof readmes)[string];
    const readme = readFileSync(join(sdk, file), "utf8");
    const example = /^```(?:python|ts)\n(.*?)^```/ms.exec(readme)?.[1] ?? "";
    const calls = [...readme.matchAll(/^\| `(.+?)` \|/gm)].map(([, call]) => call);
    expect(calls).toHaveLength(21);
    for (const source of [example, `${heading}\n${calls.join(";\n")}\n`]) {
      const { exitCode, stderr } = await runLocally(player, writeFiles(tempDir(), { [script]: source }), local);
      expect(exitCode, stderr).toBe(0);
      expect(stderr).toContain("[fx] would send ");
    }
  });
});
