import { describe, expect, test } from "vitest";
import { loadSettings } from "../../../src/config/settings.ts";
import { allRoles, isShared, portsOf, requireSharedEngines } from "../../../src/platform/roles.ts";

const embedded = loadSettings({ environment: {}, directory: "/nowhere" }).settings;

describe("the roles of a process", () => {
  test("all of them in one process need no engine", () => {
    expect(() => requireSharedEngines(embedded, allRoles)).not.toThrow();
    expect(isShared(embedded)).toBe(false);
  });

  test("one alone is refused with every embedded engine that it works with", () => {
    expect(() => requireSharedEngines(embedded, ["router"])).toThrow(
      "router alone needs engines that the other roles reach too (docs/deploy.md has a whole example; fx start runs all roles in one process): bus.driver is sqlite, which one process has to itself; catalog.driver is sqlite",
    );
  });

  test("a process that opens secrets is refused without the key that all have", () => {
    const refusal = /secretsKey is not set, and each process would make its own/;
    expect(() => requireSharedEngines(embedded, ["executor"])).toThrow(refusal);
    expect(() => requireSharedEngines(embedded, ["sink"])).not.toThrow(refusal);
  });

  test("each works with the engines of its work alone", () => {
    expect(portsOf(["router"])).toEqual(["bus", "catalog"]);
    expect(portsOf(["sink"])).toEqual(["bus", "catalog", "opsData"]);
    expect(portsOf(["router", "executor"])).toEqual(["bus", "catalog", "configStore", "artifactStore"]);
  });
});
