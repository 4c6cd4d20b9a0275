import { readFileSync } from "node:fs";
import { expect } from "vitest";
import { loadSettings, type Settings } from "../../src/config/settings.ts";
import { isShared, type Role, requireSharedEngines } from "../../src/platform/roles.ts";

export type Variables = Record<string, string>;

export const deployFolder = new URL("../../deploy/", import.meta.url);

export const readDeployed = (name: string): string => readFileSync(new URL(name, deployFolder), "utf8");

/** The settings that a process has of these variables alone. */
export const settingsOf = (environment: Variables): Settings =>
  loadSettings({ environment, directory: "/nowhere" }).settings;

export const someSecretsKey = Buffer.alloc(32, 7).toString("base64");

/** The lines NAME=value of a file of variables. */
export function variablesIn(name: string): Variables {
  const lines = readDeployed(name).split("\n");
  return Object.fromEntries(lines.filter((line) => /^\w+=/.test(line)).map((line) => line.split(/=(.*)/s, 2)));
}

/** What the image says of itself. */
export const ofImage: Variables = Object.fromEntries(
  [...(/^ENV (.*)$/m.exec(readDeployed("Dockerfile"))?.[1] ?? "").matchAll(/(\w+)=(\S+)/g)].map(([, name, value]) => [
    name as string,
    value as string,
  ]),
);

/** With such settings the role starts, on engines that all share, and is reached. */
export function expectToServe(role: Role, settings: Settings): void {
  expect(() => requireSharedEngines(settings, [role])).not.toThrow();
  // One engine of its own, and a process would take the others' leases for those of its former life.
  expect(isShared(settings)).toBe(true);
  expect(settings.host).toBe("0.0.0.0");
  expect(settings.dataDir).toBe("/data");
}
