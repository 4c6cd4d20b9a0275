import { existsSync } from "node:fs";
import path from "node:path";
import { expect, test } from "vitest";
import { killServer, startServer } from "../../../engines/servers.ts";
import { fx, fxJson } from "../../support/cli.ts";
import { Installation } from "../../support/installation.ts";
import { LivedInstallation } from "../../support/lived-installation.ts";

const engines = { postgres: 1, kafka: 1, consul: 1, s3: 1, opensearch: 1 };

interface Report {
  counts: { what: string; count: number }[];
  moving: { port: string; to: string }[];
}

test("an embedded installation goes on as roles on shared engines, all at once", async () => {
  const lived = await LivedInstallation.start();
  await lived.kill();
  const installation = await Installation.start({ engines });
  const { environment, directory } = installation;
  const copy = ["copy", "--from", lived.data];
  const looked = await fxJson<Report>([...copy, "--dry-run"], { directory, environment });
  expect(looked.moving.map(({ to }) => to.split(" ")[0])).toEqual(["Kafka", "PostgreSQL", "Consul", "the", "Elasticsearch"]);
  const { code, out, talk } = await fx(copy, { directory, environment });
  expect({ code, talk }).toMatchObject({ code: 0 });
  expect(talk).not.toMatch(/geheim|password|secretAccessKey/i);
  for (const line of [/^dead letters +1$/m, /^entries of the log of state +1$/m, /^secrets +1$/m, /^catalog: services +5$/m]) {
    expect(out).toMatch(line);
  }
  expect(out).not.toMatch(/catalog: (partitions|batches|alert_positions)/);
  await installation.start("manager", "router-1", "router-2", "executor-1", "executor-2", "sink");
  await lived.requireWhole(installation.api, installation.url ?? "");
  for (const name of ["router-1", "executor-1", "sink", "manager"]) {
    expect(await installation.stop(name), installation.process(name).talk).toBe(0);
  }
});

test("engines can be moved to one after the other, and an engine that is away or not empty is told", async () => {
  const lived = await LivedInstallation.start();
  await lived.kill();
  const installation = await Installation.start({ engines });
  const { directory, environment: all } = installation;
  const of = (...parts: string[]) =>
    Object.fromEntries(
      Object.entries(all).filter(([name]) => parts.some((part) => name.startsWith(`FX_${part}`))),
    );
  const always = of("SECRETS_KEY", "LOG_LEVEL");
  // In the directory that holds the rest: what has moved and what has not are one installation.
  const copy = (environment: Record<string, string>) =>
    fx(["copy", "--from", lived.data, "--data-dir", lived.data], { directory, environment });
  const first = { FX_LOG_LEVEL: "warn", ...of("CATALOG", "OPS_DATA") };
  const [postgres] = installation.servers("postgres").places;
  if (postgres === undefined) throw new Error("there is no server of PostgreSQL");
  await killServer(installation.servers("postgres"), 0);
  expect(await copy(first)).toMatchObject({ code: 1, talk: expect.stringContaining("cannot be used now") });
  await startServer(installation.servers("postgres"), 0);
  const moved = await copy(first);
  expect(moved).toMatchObject({ code: 0, talk: expect.stringContaining("bus: stays") });
  expect(moved.out).toMatch(/^catalog: partitions +\d+$/m);
  expect(moved.out).not.toMatch(/secrets/);

  const rest = { ...first, ...of("BUS", "CONFIG_STORE", "ARTIFACT_STORE"), ...always };
  const second = await copy(rest);
  expect({ code: second.code, talk: second.talk }).toMatchObject({ code: 0 });
  expect(second.out).not.toMatch(/catalog:/);
  expect(existsSync(path.join(lived.data, "moved.json"))).toBe(true);
  await installation.start("manager", "router", "executor", "sink");
  await lived.requireWhole(installation.api, installation.url ?? "");
});
