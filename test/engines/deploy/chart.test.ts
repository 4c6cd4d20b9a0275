import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { parseAllDocuments } from "yaml";
import type { ServerPlace } from "../../../engines/engine.ts";
import { allRoles, type Role } from "../../../src/platform/roles.ts";
import { ClusterNamespace } from "../../support/cluster.ts";
import { expectToServe, ofImage, settingsOf, someSecretsKey, type Variables } from "../../support/deployed.ts";
import { sharedServers } from "../../support/engines.ts";
import { eventually } from "../../support/eventually.ts";
import { chart, helm } from "../../support/helm.ts";
import type { ClusterObject } from "../../support/job-cluster.ts";
import { tempDirForFile } from "../../support/temp-dir.ts";

interface PodSpec {
  serviceAccountName: string;
  automountServiceAccountToken: boolean;
  enableServiceLinks: boolean;
  terminationGracePeriodSeconds: number;
  containers: { args: string[]; lifecycle?: object; env?: { name: string; value?: string }[] }[];
}
interface Deployment extends ClusterObject {
  spec: { replicas?: number; template: { metadata: ClusterObject["metadata"]; spec: PodSpec } };
}

const example = new URL("../../../deploy/helm/values.example.yaml", import.meta.url).pathname;
const directory = tempDirForFile();
const cluster = sharedServers("kubernetes")[0] as ServerPlace;
const secrets = {
  FX_TOKEN: "given",
  FX_SECRETS_KEY: someSecretsKey,
  FX_CATALOG_URL: "postgres://fx:given@postgres.example.com/fx",
  FX_BUS_PASSWORD: "given",
};

/** Every value that a template asks about. */
const everything = {
  image: { tag: "1.2.3", pullPolicy: "Always" },
  pullSecrets: [{ name: "images" }],
  settings: { FX_EXECUTOR_KILL_GRACE_MS: "7500" },
  drainSeconds: 600,
  extraEnv: [{ name: "FX_LOG_LEVEL", value: "debug" }],
  extraVolumes: [{ name: "authorities", configMap: { name: "authorities" } }],
  extraVolumeMounts: [{ name: "authorities", mountPath: "/authorities", readOnly: true }],
  serviceAccount: { annotations: { "cloud.example.com/role": "fx" } },
  networkPolicy: { metricsFrom: [{ namespaceSelector: { matchLabels: { name: "metrics" } } }] },
  manager: {
    service: { type: "NodePort", annotations: { "example.com/of": "service" } },
    ingress: { className: "outside", annotations: { "example.com/of": "ingress" } },
    nodeSelector: { disk: "fast" },
    tolerations: [{ key: "of", operator: "Equal", value: "fx", effect: "NoSchedule" }],
    extraEnv: [{ name: "FX_MANAGERS_OWN", value: "1" }],
  },
  executor: { jobs: { enabled: true }, autoscaling: { enabled: true } },
};

const everythingFile = join(directory, "everything.yaml");
// JSON is YAML.
writeFileSync(everythingFile, JSON.stringify(everything));
const wholeChart = ["--values", example, "--values", everythingFile];

async function rendered(...options: string[]): Promise<ClusterObject[]> {
  const text = await helm(
    cluster,
    "template",
    "fx",
    chart,
    "--namespace",
    "streamzero-fx",
    "--values",
    example,
    ...options,
  );
  return parseAllDocuments(text).map((document) => document.toJS() as ClusterObject);
}

const named = <Kind extends ClusterObject>(objects: readonly ClusterObject[], kind: string, name: string) =>
  objects.find((each) => each.kind === kind && each.metadata.name === name) as Kind | undefined;

test("the chart passes Helm's own judgement", async () => {
  expect(await helm(cluster, "lint", "--strict", chart, ...wholeChart)).toContain("0 chart(s) failed");
});

test("a release needs a Secret, and says which", async () => {
  await expect(helm(cluster, "template", "fx", chart)).rejects.toThrow(
    "existingSecret must name a Secret with FX_TOKEN",
  );
});

describe.each([
  ["the example's values", []],
  ["every value", ["--values", everythingFile]],
])("of %s", (_title, options) => {
  let objects: ClusterObject[];
  beforeAll(async () => {
    objects = await rendered(...options);
  });

  test.each(allRoles)("%s has a deployment with valid settings, which ends before it is killed", (role) => {
    const given = named<ClusterObject & { data: Variables }>(objects, "ConfigMap", "fx-settings")?.data;
    const settings = settingsOf({ ...ofImage, ...secrets, ...given });
    expectToServe(role, settings);
    expect([settings.catalog.migrate, settings.url]).toEqual([false, "https://fx.example.com"]);
    const { spec } = (named<Deployment>(objects, "Deployment", `fx-${role}`) as Deployment).spec.template;
    expect(spec.containers[0]).toMatchObject({
      args: [role],
      livenessProbe: { httpGet: { path: "/healthz" } },
      readinessProbe: { httpGet: { path: "/readyz" } },
    });
    // Five seconds are spent before SIGTERM where callers must first be turned away.
    const before = spec.containers[0]?.lifecycle ? 5000 : 0;
    expect(spec.terminationGracePeriodSeconds * 1000 - before).toBeGreaterThan(
      settings.drainMs + settings.executor.killGraceMs,
    );
  });

  test("the variables that a cluster makes of its services do not reach the platform, which would refuse them", () => {
    expect(() => settingsOf({ FX_MANAGER_PORT: "tcp://10.0.0.1:80" })).toThrow("FX_MANAGER_PORT is not a setting");
    for (const { kind, spec } of objects) {
      if (kind !== "Deployment" && kind !== "Job") continue;
      expect((spec as Deployment["spec"]).template.spec.enableServiceLinks).toBe(false);
    }
  });

  test("what migrates has the settings that the roles have", () => {
    const job = named<Deployment>(objects, "Job", "fx-migrate");
    const roles = named<ClusterObject & { data: Variables }>(objects, "ConfigMap", "fx-settings")?.data;
    const env = job?.spec.template.spec.containers[0]?.env ?? [];
    expect(Object.fromEntries(env.map(({ name, value }) => [name, value]))).toMatchObject(roles as Variables);
  });
});

test("a pod has a token of the cluster only where its executors make Jobs", async () => {
  const tokens = async (...options: string[]) => {
    const objects = await rendered(...options);
    const specs = allRoles.map((role) => named<Deployment>(objects, "Deployment", `fx-${role}`)?.spec.template.spec);
    return specs.map((spec) => spec?.automountServiceAccountToken);
  };
  const ofExecutors = allRoles.map((role: Role) => role === "executor");
  expect(await tokens()).toEqual(allRoles.map(() => false));
  expect(await tokens("--set", "executor.jobs.enabled=true")).toEqual(ofExecutors);
});

describe("on a real API server, in a namespace that admits restricted pods only", () => {
  let namespace: ClusterNamespace;
  beforeAll(async () => {
    namespace = await ClusterNamespace.make(cluster, { "pod-security.kubernetes.io/enforce": "restricted" });
    await namespace.create({ kind: "Secret", ...{ metadata: { name: "fx-secrets" }, stringData: secrets } });
  });
  afterAll(() => namespace.remove());

  const release = (...words: string[]) => helm(cluster, ...words, "--namespace", namespace.name);
  const podsOf = (component: string) => namespace.list("Pod", `app.kubernetes.io/component=${component}`);

  /** What a node would say of the pod that migrates. */
  async function endMigration(): Promise<void> {
    const pod = await eventually(async () =>
      (await podsOf("migrate")).find(({ status }) => phaseOf(status) === "Pending"),
    );
    await namespace.setStatus("Pod", pod.metadata.name, { phase: "Succeeded" });
  }

  test("the schema is migrated before there is a role, and then every role has its pods", async () => {
    const installed = release("install", "fx", chart, "--values", example, "--timeout", "90s");
    const migrated = async () => {
      await eventually(async () => (await podsOf("migrate")).length === 1);
      expect(await namespace.list("Deployment")).toEqual([]);
      await endMigration();
    };
    expect((await Promise.all([installed, migrated()]))[0]).toContain("STATUS: deployed");
    for (const role of allRoles) await eventually(async () => (await podsOf(role)).length === 2);
    expect(await namespace.find("Job", "fx-migrate")).toBeUndefined();
  }, 120_000);

  test("where it cannot be migrated an upgrade changes nothing else", async () => {
    const before = await namespace.list<Deployment>("Deployment");
    const options = ["--values", example, "--set", "migrate.activeDeadlineSeconds=1", "--set", "drainSeconds=30"];
    await expect(release("upgrade", "fx", chart, ...options, "--timeout", "90s")).rejects.toThrow("fx-migrate");
    const after = await namespace.list<Deployment>("Deployment");
    expect(after.map(({ spec }) => spec)).toEqual(before.map(({ spec }) => spec));
    expect(await namespace.find("Job", "fx-migrate")).toBeDefined();
  }, 120_000);

  test("with every value that it has, an upgrade is taken, and rolls the pods since their settings are others", async () => {
    const settingsOfPods = async () => {
      const [deployment] = await namespace.list<Deployment>("Deployment", "app.kubernetes.io/component=router");
      return deployment?.spec.template.metadata.annotations?.["checksum/settings"];
    };
    const before = await settingsOfPods();
    const upgraded = release("upgrade", "fx", chart, ...wholeChart, "--timeout", "90s");
    expect((await Promise.all([upgraded, endMigration()]))[0]).toContain("STATUS: deployed");
    expect(await settingsOfPods()).not.toBe(before);
    for (const [kind, name] of [
      ["Ingress", "fx-manager"],
      ["Service", "fx-manager"],
      ["HorizontalPodAutoscaler", "fx-executor"],
      ["NetworkPolicy", "fx-uncalled"],
      ["Role", "fx-jobs"],
      ["RoleBinding", "fx-jobs"],
      ...allRoles.map((role) => ["PodDisruptionBudget", `fx-${role}`] as const),
    ] as const) {
      expect(await namespace.find(kind, name), `${kind} ${name}`).toBeDefined();
    }
  }, 120_000);

  test("what is uninstalled leaves the Secret, which is not its own, and nothing else", async () => {
    await release("uninstall", "fx", "--timeout", "90s");
    for (const kind of ["Deployment", "Service", "ConfigMap", "ServiceAccount", "Job", "Ingress", "Role"]) {
      const left = (await namespace.list(kind)).map(({ metadata }) => metadata.name);
      // The cluster's own.
      expect(left.filter((name) => name !== "default" && name !== "kube-root-ca.crt")).toEqual([]);
    }
    expect(await namespace.find("Secret", "fx-secrets")).toBeDefined();
  }, 120_000);
});

function phaseOf(status: unknown): string | undefined {
  return (status as { phase?: string } | undefined)?.phase;
}
