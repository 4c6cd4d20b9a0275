import { expect, test } from "vitest";
import { systemClock } from "../../../src/foundation/clock.ts";
import { createIds } from "../../../src/foundation/ids.ts";
import { systemRandom } from "../../../src/foundation/random.ts";
import { fx, fxJson } from "../../support/cli.ts";
import { sharedEnvironment } from "../../support/engines.ts";
import { Installation } from "../../support/installation.ts";
import { LivedInstallation } from "../../support/lived-installation.ts";
import { sharedPostgresForFile } from "../../support/postgres-catalog.ts";

const databases = sharedPostgresForFile();
const ids = createIds(systemClock, systemRandom);
/** Two installations, their engines and their processes are much for a small machine. */
const withinMs = 300_000;

interface Report {
  counts: { what: string; count: number }[];
  moving: { port: string; to: string }[];
}

/** An installation on parts of the shared servers that are its own. */
async function newInstallation(): Promise<Installation> {
  const prefix = `copy-${ids.next()}`;
  const environment = {
    ...Object.assign({}, ...["postgres", "kafka", "consul", "s3", "opensearch"].map(sharedEnvironment)),
    FX_CATALOG_URL: await databases.newDatabase(),
    FX_BUS_PREFIX: `${prefix}.`,
    FX_CONFIG_STORE_PREFIX: prefix,
    FX_ARTIFACT_STORE_PREFIX: `${prefix}/`,
    FX_OPS_DATA_PREFIX: prefix,
  };
  return Installation.start({ engines: {}, environment });
}

test("an embedded installation goes on as roles on shared engines, all at once", { timeout: withinMs }, async () => {
  const lived = await LivedInstallation.start();
  await lived.kill();
  const installation = await newInstallation();
  const { environment, directory } = installation;
  const copy = ["copy", "--from", lived.data];
  const looked = await fxJson<Report>([...copy, "--dry-run"], { directory, environment });
  expect(looked.moving.map(({ to }) => to.split(" ")[0])).toEqual([
    "Kafka",
    "PostgreSQL",
    "Consul",
    "the",
    "Elasticsearch",
  ]);
  const { code, out, talk } = await fx(copy, { directory, environment });
  expect({ code, talk }).toMatchObject({ code: 0 });
  expect(talk).not.toContain("geheim");
  for (const line of ["dead letters +1", "entries of the log of state +1", "secrets +1", "catalog: services +5"]) {
    expect(out).toMatch(new RegExp(`^${line}$`, "m"));
  }
  expect(out).not.toMatch(/catalog: (partitions|batches|alert_positions)/);
  await installation.start("manager", "router-1", "router-2", "executor-1", "executor-2", "sink");
  await lived.requireWhole(installation.api, installation.url ?? "");
  for (const name of ["router-1", "executor-1", "sink", "manager"]) {
    expect(await installation.stop(name), installation.process(name).talk).toBe(0);
  }
});

test("engines can be moved to one after the other; what is not empty is told", { timeout: withinMs }, async () => {
  const lived = await LivedInstallation.start();
  await lived.kill();
  const installation = await newInstallation();
  const { directory, environment: all } = installation;
  const of = (...parts: string[]) =>
    Object.fromEntries(Object.entries(all).filter(([name]) => parts.some((part) => name.startsWith(`FX_${part}`))));
  // In the directory that holds the rest: what has moved and what has not are one installation.
  const copy = (environment: Record<string, string>, ...words: string[]) =>
    fx(["copy", "--from", lived.data, "--data-dir", lived.data, ...words], { directory, environment });
  const first = of("LOG_LEVEL", "CATALOG", "OPS_DATA");
  const moved = await copy(first);
  expect(moved).toMatchObject({ code: 0, talk: expect.stringContaining("bus: stays") });
  expect(moved.out).toMatch(/^catalog: partitions +\d+$/m);
  expect(moved.out).not.toMatch(/secrets/);

  const rest = { ...first, ...of("BUS", "CONFIG_STORE", "ARTIFACT_STORE", "SECRETS_KEY") };
  const strange = { ...rest, FX_CATALOG_URL: await databases.newDatabase() };
  expect(await copy(strange)).toMatchObject({ code: 1, talk: expect.stringContaining("catalog was copied to") });
  const second = await copy(rest);
  expect({ code: second.code, talk: second.talk }).toMatchObject({ code: 0 });
  expect(second.out).not.toMatch(/catalog:/);
  await installation.start("manager", "router", "executor", "sink");
  await lived.requireWhole(installation.api, installation.url ?? "");

  const another = await LivedInstallation.start();
  await another.kill();
  const full = await fx(["copy", "--from", another.data, "--dry-run"], { directory, environment: all });
  expect(full.code).toBe(1);
  for (const port of ["bus: Kafka", "catalog: PostgreSQL", "configStore: Consul", "opsData: Elasticsearch"]) {
    expect(full.talk).toMatch(new RegExp(`^  ${port} .* is not empty: it holds`, "m"));
  }
});
