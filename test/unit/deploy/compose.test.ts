import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import { allRoles } from "../../../src/platform/roles.ts";
import {
  expectToServe,
  ofImage,
  readDeployed,
  settingsOf,
  someSecretsKey,
  type Variables,
  variablesIn,
} from "../../support/deployed.ts";

describe("deploy/compose.yaml", () => {
  interface Service {
    command: string[] | string;
    environment?: Variables;
    networks: string[];
    depends_on?: Record<string, unknown>;
    stop_grace_period?: string;
    mem_limit?: string;
    cpus?: number;
    healthcheck?: { test?: unknown[] };
    volumes?: string[];
  }
  const given = { ...variablesIn(".env.example"), FX_SECRETS_KEY: someSecretsKey };
  const text = readDeployed("compose.yaml").replaceAll(/\$\{(\w+):\?[^}]*\}/g, (_, name: keyof typeof given) => {
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

  test("a health check is the words of a command", () => {
    const words = Object.values(compose.services).flatMap(({ healthcheck }) => healthcheck?.test ?? []);
    expect(words.filter((word) => typeof word !== "string")).toEqual([]);
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
