import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { packageToolSurroundings } from "../../../../src/config/package-tools.ts";
import { loadSettings } from "../../../../src/config/settings.ts";
import { credentialRedactor } from "../../../../src/executor/environments/redact-credentials.ts";
import { tempDir } from "../../../support/temp-dir.ts";

function surroundings(environment: Record<string, string>, home = tempDir()) {
  const { settings } = loadSettings({ environment, directory: home });
  return packageToolSurroundings(
    settings.dependencies,
    { ...environment, PATH: "/bin", AWS_SECRET_ACCESS_KEY: "x" },
    home,
  );
}

test("tools get the variables that say where packages come from, and nothing else of the environment", () => {
  const given = {
    HTTPS_PROXY: "http://proxy:3128",
    PIP_INDEX_URL: "https://h/simple",
    npm_config_registry: "https://h/",
  };
  const { variables } = surroundings({ ...given, PIP_TARGET: "/elsewhere", npm_config_prefix: "/elsewhere" });
  expect(variables).toEqual(given);
});

test("passwords and tokens of settings, variables and configuration files are replaced in what tools say", () => {
  const home = tempDir();
  mkdirSync(join(home, ".config/pip"), { recursive: true });
  writeFileSync(join(home, ".config/pip/pip.conf"), "[global]\nindex-url = https://robot:in-pip-conf@h/simple\n");
  writeFileSync(join(home, ".npmrc"), "//h/:_authToken=in-npmrc\n");
  const { credentials, configuration } = surroundings(
    {
      FX_DEPENDENCIES_INDEX_URL: "https://robot:in%2Fthe-settings@h/simple",
      FX_DEPENDENCIES_NPM_TOKEN: "the-npm-token",
      PIP_EXTRA_INDEX_URL: "https://token-only@h/simple",
    },
    home,
  );
  expect(Object.keys(configuration)).toEqual([".config/pip/pip.conf", ".npmrc"]);
  const redact = credentialRedactor(credentials);
  const said = "in-pip-conf in-npmrc in%2Fthe-settings in/the-settings the-npm-token token-only";
  expect(redact(said)).toBe(Array(6).fill("[redacted]").join(" "));
  expect(redact("GET https://nobody:knows@h/x of six")).toBe("GET https://[redacted]@h/x of six");
});
