import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { parse, parseAllDocuments } from "yaml";
import { loadSettings, type Settings } from "../../../src/config/settings.ts";
import { allRoles, isShared, type Role, requireSharedEngines } from "../../../src/platform/roles.ts";

type Variables = Record<string, string>;

const folder = new URL("../../../deploy/", import.meta.url);
const read = (name: string) => readFileSync(new URL(name, folder), "utf8");
const secretsKey = Buffer.alloc(32, 7).toString("base64");

const settingsOf = (environment: Variables) => loadSettings({ environment, directory: "/nowhere" }).settings;

/** The lines NAME=value of a file of variables. */
function variablesIn(name: string): Variables {
  const lines = read(name).split("\n");
  return Object.fromEntries(lines.filter((line) => /^\w+=/.test(line)).map((line) => line.split(/=(.*)/s, 2)));
}

/** What the image says of itself. */
const ofImage: Variables = Object.fromEntries(
  [...(/^ENV (.*)$/m.exec(read("Dockerfile"))?.[1] ?? "").matchAll(/(\w+)=(\S+)/g)].map(([, name, value]) => [
    name as string,
    value as string,
  ]),
);

function expectToServe(role: Role, settings: Settings): void {
  expect(() => requireSharedEngines(settings, [role])).not.toThrow();
  // One engine of its own, and a process would take the others' leases for those of its former life.
  expect(isShared(settings)).toBe(true);
  expect(settings.host).toBe("0.0.0.0");
  expect(settings.dataDir).toBe("/data");
}

describe("deploy/compose.yaml", () => {
  interface Service {
    command: string[] | string;
    environment?: Variables;
    networks: string[];
    depends_on?: Record<string, unknown>;
    stop_grace_period?: string;
    mem_limit?: string;
    cpus?: number;
    healthcheck?: object;
    volumes?: string[];
  }
  const given = { ...variablesIn(".env.example"), FX_SECRETS_KEY: secretsKey };
  const text = read("compose.yaml").replaceAll(/\$\{(\w+):\?[^}]*\}/g, (_, name: keyof typeof given) => {
    if (!(name in given)) throw new Error(`${name} is not in .env.example`);
    return given[name] || "given";
  });
  const compose = parse(text, { merge: true }) as {
    services: Record<string, Service>;
    networks: Record<string, unknown>;
    volumes: Record<string, unknown>;
  };

  test.each(allRoles)("%s has settings that are valid, on engines that all share", (role) => {
    const { command, environment, stop_grace_period, mem_limit, cpus, healthcheck } = compose.services[role] as Service;
    expect(command).toEqual([role]);
    const settings = settingsOf({ ...ofImage, ...environment });
    expectToServe(role, settings);
    expect(Number.parseInt(stop_grace_period ?? "", 10) * 1000).toBeGreaterThan(
      settings.drainMs + settings.executor.killGraceMs,
    );
    expect({ mem_limit, cpus, healthcheck }).toEqual({
      mem_limit: expect.any(String),
      cpus: expect.any(Number),
      healthcheck: expect.anything(),
    });
  });

  test("every address names a service on a network that the role is on", () => {
    for (const role of allRoles) {
      const { environment = {}, networks } = compose.services[role] as Service;
      const { FX_BUS_BROKERS, FX_CATALOG_URL, FX_CONFIG_STORE_URL, FX_ARTIFACT_STORE_ENDPOINT, FX_OPS_DATA_URL } =
        environment;
      const urls = [`kafka://${FX_BUS_BROKERS}`, FX_CATALOG_URL, FX_CONFIG_STORE_URL, FX_ARTIFACT_STORE_ENDPOINT];
      if (role === "manager" || role === "sink") urls.push(FX_OPS_DATA_URL);
      for (const url of urls) {
        const host = new URL(url as string).hostname;
        const shared = compose.services[host]?.networks.filter((network) => networks.includes(network));
        expect(shared, `${role} to ${host}`).not.toEqual([]);
        expect(shared, `${role} to ${host}`).toBeDefined();
      }
    }
  });

  test("no script reaches the engine that asks for no password", () => {
    expect(compose.services.opensearch?.networks).toEqual(["records"]);
    expect(compose.services.executor?.networks).toEqual(["engines"]);
  });

  test("what is waited for, joined and mounted is there", () => {
    for (const { depends_on = {}, networks, volumes = [] } of Object.values(compose.services)) {
      for (const name of Object.keys(depends_on)) expect(compose.services).toHaveProperty(name);
      for (const name of networks) expect(compose.networks).toHaveProperty(name);
      for (const volume of volumes) expect(compose.volumes).toHaveProperty(volume.split(":")[0] as string);
    }
  });
});

describe("deploy/kubernetes", () => {
  interface Deployment {
    spec: {
      template: {
        metadata: { labels: Variables };
        spec: {
          serviceAccountName: string;
          enableServiceLinks: boolean;
          terminationGracePeriodSeconds: number;
          containers: { args: string[]; lifecycle?: object; livenessProbe: object; readinessProbe: object }[];
        };
      };
      selector: { matchLabels: Variables };
    };
  }
  const documents = readdirSync(new URL("kubernetes/", folder))
    .filter((name) => name.endsWith(".yaml"))
    .flatMap((name) => parseAllDocuments(read(`kubernetes/${name}`)))
    .map((document) => {
      expect(document.errors).toEqual([]);
      return document.toJS() as { kind: string; metadata?: { name: string } };
    });
  const named = (kind: string, name: string) =>
    documents.find((each) => each.kind === kind && each.metadata?.name === name);
  const secrets = {
    ...variablesIn("kubernetes/secrets.env.example"),
    FX_SECRETS_KEY: secretsKey,
    FX_CATALOG_URL: "postgres://fx:given@postgres.example.com/fx",
    FX_ARTIFACT_STORE_ACCESS_KEY_ID: "given",
    FX_ARTIFACT_STORE_SECRET_ACCESS_KEY: "given",
  };
  const settings = settingsOf({ ...ofImage, ...variablesIn("kubernetes/config.env"), ...secrets });

  test.each(allRoles)("%s has a deployment with valid settings, which ends before it is killed", (role) => {
    const { spec } = named("Deployment", `fx-${role}`) as unknown as Deployment;
    expectToServe(role, settings);
    const pod = spec.template.spec;
    expect(pod.containers[0]).toMatchObject({
      args: [role],
      livenessProbe: { httpGet: { path: "/healthz" } },
      readinessProbe: { httpGet: { path: "/readyz" } },
    });
    // Five seconds are spent before SIGTERM where callers must first be turned away.
    const before = pod.containers[0]?.lifecycle ? 5000 : 0;
    expect(pod.terminationGracePeriodSeconds * 1000 - before).toBeGreaterThan(
      settings.drainMs + settings.executor.killGraceMs,
    );
    expect(spec.template.metadata.labels).toEqual(spec.selector.matchLabels);
    expect(named("ServiceAccount", pod.serviceAccountName)).toBeDefined();
    expect(named("PodDisruptionBudget", `fx-${role}`)).toMatchObject({ spec: { selector: spec.selector } });
  });

  test("the variables that a cluster makes of its services do not reach the platform, which would refuse them", () => {
    expect(() => settingsOf({ FX_MANAGER_PORT: "tcp://10.0.0.1:80" })).toThrow("FX_MANAGER_PORT is not a setting");
    for (const role of allRoles) {
      const { spec } = named("Deployment", `fx-${role}`) as unknown as Deployment;
      expect(spec.template.spec.enableServiceLinks).toBe(false);
    }
  });

  test("every file is in the kustomization", () => {
    const { resources } = parse(read("kubernetes/kustomization.yaml")) as { resources: string[] };
    const files = readdirSync(new URL("kubernetes/", folder)).filter((name) => name.endsWith(".yaml"));
    expect(files.filter((name) => name !== "kustomization.yaml").sort()).toEqual(resources.toSorted());
  });
});
