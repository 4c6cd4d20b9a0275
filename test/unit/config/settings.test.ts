import { writeFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, it } from "vitest";
import { settingList } from "../../../src/config/setting-list.ts";
import { describeSettings, loadSettings } from "../../../src/config/settings.ts";
import type { PlatformError } from "../../../src/foundation/errors.ts";
import { tempDir } from "../../support/temp-dir.ts";

function problemsOf(load: () => unknown) {
  try {
    load();
  } catch (error) {
    return (error as PlatformError).problems;
  }
  throw new Error("it was accepted");
}

describe("loadSettings", () => {
  it("needs nothing: everything is embedded, on loopback, below .fx", () => {
    const directory = tempDir();
    const { settings } = loadSettings({ environment: {}, directory });
    expect(settings).toMatchObject({
      host: "127.0.0.1",
      port: 8080,
      dataDir: path.join(directory, ".fx"),
      bus: { driver: "sqlite" },
      limits: { hops: 100, flowExecutions: 10_000, eventBytes: 4 * 1024 * 1024 },
    });
  });

  it("takes flags before the environment, that before the file, that before defaults", () => {
    const directory = tempDir();
    const file = { port: 1, host: "file", executor: { slots: 1, leaseMs: 60_000 }, limits: { hops: 7 } };
    writeFileSync(path.join(directory, "fx.config.json"), JSON.stringify(file));
    const loaded = loadSettings({
      directory,
      environment: { FX_PORT: "2", FX_EXECUTOR_SLOTS: "2", PATH: "/bin" },
      flags: { executorSlots: "3", dataDir: undefined },
    });
    expect(loaded.settings).toMatchObject({
      host: "file",
      port: 2,
      executor: { slots: 3, leaseMs: 60_000, leaseMarginMs: 5000 },
      limits: { hops: 7, flowExecutions: 10_000 },
    });
    expect(Object.fromEntries(loaded.origins)).toEqual({
      host: "fx.config.json",
      port: "FX_PORT",
      "executor.slots": "--executor-slots",
      "executor.leaseMs": "fx.config.json",
      "limits.hops": "fx.config.json",
    });
  });

  it("refuses unknown names from every source and suggests the one that was meant", () => {
    const directory = tempDir();
    const file = { prot: 1, executor: { slot: 2 }, bus: { driver: "sqlite", partition: 3 } };
    writeFileSync(path.join(directory, "fx.config.json"), JSON.stringify(file));
    const problems = problemsOf(() =>
      loadSettings({ directory, environment: { FX_DATA_DIRR: "x" }, flags: { executorSlotz: 1 } }),
    );
    expect(problems).toEqual([
      { path: "FX_DATA_DIRR", message: "is not a setting, did you mean FX_DATA_DIR?" },
      { path: "--executor-slotz", message: "is not a setting, did you mean --executor-slots?" },
      { path: "bus.partition", message: "is not a setting, did you mean bus.partitions? (fx.config.json)" },
      { path: "executor.slot", message: "is not a setting, did you mean executor.slots? (fx.config.json)" },
      { path: "prot", message: "is not a setting, did you mean port? (fx.config.json)" },
    ]);
  });

  it("says where a wrong value stands, what it is, and what would be right", () => {
    const problems = problemsOf(() =>
      loadSettings({
        directory: tempDir(),
        environment: { FX_PORT: "http", FX_BUS_DRIVER: "rabbitmq" },
        flags: { executorSlots: 0 },
      }),
    );
    expect(problems).toEqual([
      { path: "FX_PORT", message: 'must be an integer from 0 to 65535; found "http"' },
      { path: "FX_BUS_DRIVER", message: 'must be "sqlite" or "kafka"; found "rabbitmq"' },
      { path: "--executor-slots", message: "must be an integer from 1 to 1024; found 0" },
    ]);
  });

  it("refuses half of an access key, and names the other half", () => {
    const bucket = { FX_ARTIFACT_STORE_DRIVER: "s3", FX_ARTIFACT_STORE_BUCKET: "artifacts" };
    for (const [given, other] of [
      ["FX_ARTIFACT_STORE_ACCESS_KEY_ID", "secretAccessKey"],
      ["FX_ARTIFACT_STORE_SECRET_ACCESS_KEY", "accessKeyId"],
    ] as const) {
      const environment = { ...bucket, [given]: "half" };
      expect(problemsOf(() => loadSettings({ directory: tempDir(), environment }))).toEqual([
        { path: given, message: `must have artifactStore.${other} beside it` },
      ]);
    }
  });

  it.each([
    [
      { FX_CATALOG_DRIVER: "postgres", FX_CATALOG_URL: "mysql://db/fx" },
      { path: "FX_CATALOG_URL", message: "must be a URL such as postgres://user:password@host:5432/database" },
    ],
    [
      { FX_CATALOG_DRIVER: "postgres" },
      {
        path: "catalog.url",
        message: "must be given: a URL such as postgres://user:password@host:5432/database",
      },
    ],
    [
      { FX_CONFIG_STORE_DRIVER: "consul", FX_CONFIG_STORE_URL: "127.0.0.1:8500" },
      {
        path: "FX_CONFIG_STORE_URL",
        message: 'must be a URL with http:// or https://, such as http://127.0.0.1:8500; found "127.0.0.1:8500"',
      },
    ],
    [
      { FX_BUS_DRIVER: "kafka", FX_BUS_BROKERS: "http://kafka:9092" },
      {
        path: "FX_BUS_BROKERS",
        message:
          'must be host:port, with commas between several: "kafka-1:9092,kafka-2:9092"; found "http://kafka:9092"',
      },
    ],
    [{ FX_ARTIFACT_STORE_DRIVER: "s3" }, { path: "artifactStore.bucket", message: "must be given: text" }],
    [
      { FX_BUS_DRIVER: "sqlite", FX_BUS_BROKERS: "kafka:9092" },
      { path: "FX_BUS_BROKERS", message: "is of another driver than sqlite, which bus.driver is" },
    ],
    [
      { FX_OPS_DATA_DRIVER: "opensearch" },
      {
        path: "FX_OPS_DATA_DRIVER",
        message: 'must be sqlite, or elasticsearch for Elasticsearch and OpenSearch; found "opensearch"',
      },
    ],
  ])("says of %j what would be right", (environment, problem) => {
    expect(problemsOf(() => loadSettings({ directory: tempDir(), environment }))).toEqual([problem]);
  });

  it("S3: refuses a password in an address, which messages would show, and does not show it either", () => {
    for (const [driver, variable] of [
      [{ FX_OPS_DATA_DRIVER: "elasticsearch" }, "FX_OPS_DATA_URL"],
      [{ FX_CONFIG_STORE_DRIVER: "consul" }, "FX_CONFIG_STORE_URL"],
      [{ FX_ARTIFACT_STORE_DRIVER: "s3", FX_ARTIFACT_STORE_BUCKET: "files" }, "FX_ARTIFACT_STORE_ENDPOINT"],
    ] as const) {
      const environment = { ...driver, [variable]: "http://elastic:hush-hush@db:9200" };
      const problems = problemsOf(() => loadSettings({ directory: tempDir(), environment }));
      expect(problems).toMatchObject([{ path: variable, message: expect.stringContaining("must have no user") }]);
      expect(JSON.stringify(problems)).not.toContain("hush-hush");
    }
  });

  it("D13: refuses a ledger that forgets before the bus does", () => {
    const environment = { FX_RETENTION_LEDGER_MS: String(7 * 86_400_000) };
    expect(problemsOf(() => loadSettings({ directory: tempDir(), environment }))).toMatchObject([
      { path: "FX_RETENTION_LEDGER_MS" },
    ]);
  });

  it("takes another driver with its own settings, and says which drivers there are", () => {
    const directory = tempDir();
    const url = "postgres://fx:a-long-enough-secret@db:5432/fx";
    const environment = { FX_CATALOG_DRIVER: "postgres", FX_CATALOG_URL: url };
    const loaded = loadSettings({ directory, environment });
    expect(loaded.settings.catalog).toEqual({ driver: "postgres", migrate: true, url, connections: 10 });
    expect(JSON.stringify(describeSettings(loaded))).not.toContain("secret@");
    expect(settingList.find(({ path }) => path === "catalog.driver")?.accepts).toBe("sqlite or postgres");
    const [missing] = problemsOf(() => loadSettings({ directory, environment: { FX_CATALOG_DRIVER: "postgres" } }));
    expect(missing?.path).toBe("catalog.url");
  });

  it("never shows a secret, neither in a description nor in a refusal", () => {
    const directory = tempDir();
    const secret = "a-long-enough-secret";
    const shown = JSON.stringify(describeSettings(loadSettings({ directory, environment: { FX_TOKEN: secret } })));
    expect(shown).not.toContain(secret);
    expect(shown).toContain("(set, not shown)");
    const problems = problemsOf(() => loadSettings({ directory, environment: { FX_TOKEN: "a secret with spaces" } }));
    expect(JSON.stringify(problems)).not.toContain("with spaces");
    expect(problemsOf(() => loadSettings({ directory, environment: {}, flags: { token: secret } }))).toMatchObject([
      { path: "--token" },
    ]);
  });

  it("refuses a file that is no JSON object", () => {
    const directory = tempDir();
    for (const text of ["{", "[]", "7"]) {
      writeFileSync(path.join(directory, "fx.config.json"), text);
      expect(problemsOf(() => loadSettings({ directory, environment: {} }))).toMatchObject([
        { path: "fx.config.json" },
      ]);
    }
  });

  it("leaves alone what the platform gives to its own children", () => {
    const environment = { FX_CHANNEL: "/x", FX_NONCE: "y", FX_SCRATCH: "/z", FX_LAUNCH: "1" };
    expect(loadSettings({ directory: tempDir(), environment }).settings.port).toBe(8080);
  });
});

describe("the reference of settings", () => {
  it("describes every setting, and no two share a name", () => {
    expect(settingList.filter(({ description }) => description === "")).toEqual([]);
    expect(new Set(settingList.map(({ variable }) => variable)).size).toBe(settingList.length);
  });
});
