import { existsSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import pg from "pg";
import { expect, onTestFinished, test } from "vitest";
import { fx, fxJson, startFx } from "../../support/cli.ts";
import { eventually } from "../../support/eventually.ts";
import { ApiClient, FxProcess } from "../../support/fx-process.ts";
import { LivedInstallation, livedToken } from "../../support/lived-installation.ts";
import { postgresForFile } from "../../support/postgres-catalog.ts";
import { tempDir } from "../../support/temp-dir.ts";

const postgres = postgresForFile();

interface Report {
  counts: { what: string; count: number }[];
  problems: { path: string; message: string }[];
}

const countsOf = ({ counts }: Report) => Object.fromEntries(counts.map(({ what, count }) => [what, count]));

/** A new directory to copy to, with the catalog on a PostgreSQL of its own. */
async function newPlace() {
  const directory = tempDir();
  const url = await postgres.newDatabase();
  const environment = { FX_CATALOG_DRIVER: "postgres", FX_CATALOG_URL: url, FX_LOG_LEVEL: "warn" };
  return { directory, url, environment };
}

test("D2, D13, D20: an installation that was killed is copied whole, goes on elsewhere, and is not started again where it was", async () => {
  const lived = await LivedInstallation.start();
  const { directory, environment } = await newPlace();
  const from = ["copy", "--from", lived.data];
  const running = await fx(from, { directory, environment });
  expect(running).toMatchObject({ code: 1, talk: expect.stringContaining(`in use by process ${lived.pid}`) });
  await lived.kill();

  const looked = await fxJson<Report>([...from, "--dry-run"], { directory, environment });
  expect(countsOf(looked)).toMatchObject({ "catalog: services": 5, "catalog: executions": 22, secrets: 1 });
  expect(countsOf(looked)).toMatchObject({
    "values of state": 1,
    "versions of configuration": 2,
    "files of versions": 10,
  });
  const { code, out, talk } = await fx(from, { directory, environment });
  expect({ code, talk }).toMatchObject({ code: 0 });
  expect(talk).toContain("1 attempts were under way when the platform stopped; they will run again");
  expect(talk).not.toContain("geheim");
  expect(out).toMatch(/^copied +count, found again$/m);
  expect(out).toMatch(/^catalog: executions +23$/m);
  expect(out).toMatch(/^dead letters +1$/m);

  const target = new FxProcess({ command: "start", directory, token: livedToken, environment });
  onTestFinished(() => target.end("SIGKILL").then(() => {}));
  target.start();
  await target.ready();
  await lived.requireWhole(new ApiClient(() => target.url, livedToken), target.url ?? "");
  expect(await target.end("SIGTERM"), target.talk).toBe(0);

  const old = await fx(["start", "--port", "0", "--data-dir", lived.data], { directory });
  expect(old).toMatchObject({ code: 1, talk: expect.stringMatching(/was copied elsewhere: .*PostgreSQL at/) });
  const again = await fx(from, { directory, environment });
  expect(again).toMatchObject({ code: 2, talk: expect.stringContaining("there is nothing to copy") });
});

/** An installation with configuration and a secret in it, stopped; answers its data directory. */
async function configured(environment: Readonly<Record<string, string>> = {}): Promise<string> {
  const directory = tempDir();
  const source = new FxProcess({ command: "start", directory, token: livedToken, environment });
  onTestFinished(() => source.end("SIGKILL").then(() => {}));
  source.start();
  await source.ready();
  const api = new ApiClient(() => source.url, livedToken);
  await api.request("POST", "/projects", JSON.stringify({ name: "shop" }), "application/json");
  await api.request("PUT", "/config/project/shop/greeting", '"hello"', "application/json");
  await api.request("PUT", "/secrets?scope=project:shop&name=pin", '{"value":"geheim-1234"}', "application/json");
  expect(await source.end("SIGTERM")).toBe(0);
  return path.join(directory, ".fx");
}

test("a copy that is killed leaves no installation behind, and the next try goes on from there", async () => {
  const data = await configured();
  const { directory, environment, url } = await newPlace();
  // The schema is there, and somebody is at a table of it: the copy gets as far as the catalog.
  expect((await fx(["migrate"], { directory, environment })).code).toBe(0);
  const other = new pg.Client({ connectionString: url });
  await other.connect();
  await other.query("begin; lock table flows in access share mode");
  const first = startFx(["copy", "--from", data], { directory, environment });
  await eventually(() => first.talk.includes("the catalog to PostgreSQL"), { withinMs: 60_000 });
  await eventually(async () => (await postgres.query("select 1 from pg_locks where not granted", url)).length > 0);
  await first.kill();
  await other.end();
  expect(await postgres.query("select name from projects", url)).toEqual([{ name: "default" }]);
  expect(JSON.parse(readFileSync(path.join(data, "moved.json"), "utf8"))).toMatchObject({
    catalog: { state: "copying" },
  });
  const second = await fx(["copy", "--from", data], { directory, environment });
  expect(second).toMatchObject({ code: 0, out: expect.stringMatching(/^secrets +1$/m) });
  expect(await postgres.query("select name from projects order by name", url)).toEqual([
    { name: "default" },
    { name: "shop" },
  ]);

  // It had been begun and not ended when the old installation was used once more: what was written then is older.
  writeFileSync(
    path.join(data, "moved.json"),
    JSON.stringify({ catalog: { to: "elsewhere", state: "copying", at: "" } }),
  );
  const source = startFx(["start", "--port", "0", "--data-dir", data], { directory });
  await eventually(() => source.out.includes("is ready"), { withinMs: 60_000 });
  await source.kill();
  expect(existsSync(path.join(data, "moved.json"))).toBe(false);
  expect(await fx(["copy", "--from", data], { directory, environment })).toMatchObject({
    code: 1,
    talk: expect.stringMatching(/catalog: PostgreSQL at .* is not empty: it holds projects \(1\)/),
  });
});

test("what cannot be copied is refused with what stands in the way, and nothing was done", async () => {
  const key = (fill: number) => ({ FX_SECRETS_KEY: Buffer.alloc(32, fill).toString("base64") });
  const data = await configured(key(1));
  const { directory, environment, url } = await newPlace();
  const copy = (changed: Record<string, string>, ...words: string[]) =>
    fx(["copy", "--from", data, ...words], { directory, environment: { ...environment, ...key(1), ...changed } });
  const missing = await fx(["copy", "--from", directory], { directory, environment });
  expect(missing).toMatchObject({ code: 1, talk: expect.stringContaining("holds no installation") });
  const nothing = await fx(["copy", "--from", data, "--data-dir", data], { directory });
  expect(nothing).toMatchObject({ code: 2, talk: expect.stringContaining("there is nothing to copy out of") });
  const away = await copy({ FX_CATALOG_URL: "postgres://nobody@127.0.0.1:1/fx" });
  expect(away).toMatchObject({ code: 1, talk: expect.stringContaining("cannot be used now") });
  expect(await copy(key(2))).toMatchObject({ code: 1, talk: expect.stringContaining("encrypted with another key") });
  expect((await fx(["migrate"], { directory, environment })).code).toBe(0);
  await postgres.query("insert into projects values ('mine', '', 0)", url);
  const full = await copy({});
  expect(full).toMatchObject({ code: 1, talk: expect.stringContaining("is not empty: it holds projects (1)") });
  const looked = await copy({}, "--dry-run");
  expect(looked).toMatchObject({ code: 1, out: expect.stringMatching(/^catalog: projects +1$/m) });
  expect(existsSync(path.join(data, "moved.json"))).toBe(false);
});
