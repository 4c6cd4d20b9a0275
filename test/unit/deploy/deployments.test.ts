import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { parse, parseAllDocuments } from "yaml";
import { loadSettings } from "../../../src/config/settings.ts";
import { allRoles, isShared, requireSharedEngines } from "../../../src/platform/roles.ts";

const folder = new URL("../../../deploy/", import.meta.url);
const key = Buffer.alloc(32).toString("base64");

interface Container {
  args: string[];
  startupProbe: object;
  livenessProbe: { httpGet: { path: string } };
  readinessProbe: { httpGet: { path: string } };
  resources: { limits: { memory: string } };
}

interface Manifest {
  kind: string;
  metadata: { name: string };
  data?: Record<string, string>;
  spec?: { template: { spec: { terminationGracePeriodSeconds: number; containers: Container[] } } };
}

describe("deploy/compose.yaml", () => {
  interface Compose {
    services: Record<
      string,
      { command?: string[]; environment?: Record<string, string>; stop_grace_period?: string; depends_on?: object }
    >;
  }
  const { services }: Compose = parse(readFileSync(new URL("compose.yaml", folder), "utf8"), { merge: true });

  test.each(allRoles)("the service %s is that role, with settings that all roles share", (role) => {
    const service = services[role];
    expect(service?.command).toEqual([role]);
    const { settings } = loadSettings({ environment: filledIn(service?.environment ?? {}), directory: "/nowhere" });
    expect(() => requireSharedEngines(settings, [role])).not.toThrow();
    expect(isShared(settings)).toBe(true);
    expect(Number.parseInt(service?.stop_grace_period ?? "", 10) * 1000).toBeGreaterThan(settings.drainMs);
  });

  test("whatever a service waits for is a service", () => {
    for (const { depends_on: waitsFor = {} } of Object.values(services)) {
      expect(Object.keys(services)).toEqual(expect.arrayContaining(Object.keys(waitsFor)));
    }
  });

  /** As `docker compose` does it, with a secret for each that has to be given. */
  function filledIn(environment: Record<string, string>): Record<string, string> {
    const fill = (text: string) =>
      text.replace(/\$\{(\w+):\?[^}]*\}/g, (_, name) => (name.endsWith("KEY") ? key : "x"));
    return Object.fromEntries(Object.entries(environment).map(([name, text]) => [name, fill(text)]));
  }
});

describe("deploy/kubernetes", () => {
  const files = readdirSync(new URL("kubernetes/", folder));
  const read = (name: string) =>
    parseAllDocuments(readFileSync(new URL(`kubernetes/${name}`, folder), "utf8")).map((document): Manifest => {
      expect(document.errors).toEqual([]);
      return document.toJS();
    });
  const settings = read("settings.yaml").find(({ kind }) => kind === "ConfigMap")?.data ?? {};
  const secret = { FX_TOKEN: "t", FX_SECRETS_KEY: key, FX_CATALOG_URL: "postgres://fx:x@postgres/fx" };
  const others = { FX_BUS_PASSWORD: "x", FX_CONFIG_STORE_TOKEN: "x", FX_OPS_DATA_PASSWORD: "x" };
  const environment = { ...settings, ...secret, ...others, FX_ARTIFACT_STORE_SECRET_ACCESS_KEY: "x" };

  test.each(allRoles)("the deployment of %s has settings that all roles share, probes, and time to end", (role) => {
    const deployment = read(`${role}.yaml`).find(({ kind }) => kind === "Deployment");
    const pod = deployment?.spec?.template.spec;
    const [container] = pod?.containers ?? [];
    expect(container?.args).toEqual([role]);
    expect(container?.livenessProbe.httpGet.path).toBe("/healthz");
    expect(container?.readinessProbe.httpGet.path).toBe("/readyz");
    expect(container?.startupProbe).toBeDefined();
    expect(container?.resources.limits.memory).toBeDefined();
    const loaded = loadSettings({ environment, directory: "/nowhere" });
    expect(() => requireSharedEngines(loaded.settings, [role])).not.toThrow();
    expect((pod?.terminationGracePeriodSeconds ?? 0) * 1000).toBeGreaterThan(loaded.settings.drainMs);
  });

  test("the list of resources names every file, and the instructions every secret", () => {
    const list = readFileSync(new URL("kubernetes/kustomization.yaml", folder), "utf8");
    const named: string[] = parse(list).resources;
    expect([...named, "kustomization.yaml"].sort()).toEqual(files.sort());
    for (const name of Object.keys({ ...secret, ...others })) expect(list).toContain(`--from-literal=${name}=`);
  });
});
