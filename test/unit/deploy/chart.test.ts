import { Ajv2020 } from "ajv/dist/2020.js";
import { expect, test } from "vitest";
import { parse } from "yaml";
import packageJson from "../../../package.json" with { type: "json" };
import { settingList } from "../../../src/config/setting-list.ts";
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

interface Values {
  settings: Variables;
  existingSecret: string;
}

const values = parse(readDeployed("helm/streamzero-fx/values.yaml")) as Values;
const example = parse(readDeployed("helm/values.example.yaml")) as Values;
const isValid = new Ajv2020().compile(JSON.parse(readDeployed("helm/streamzero-fx/values.schema.json")));
const withSettings = (settings: object) => ({ ...values, settings: { ...values.settings, ...settings } });

test("the chart is of this release", () => {
  const { version, appVersion } = parse(readDeployed("helm/streamzero-fx/Chart.yaml")) as Record<string, string>;
  expect([version, appVersion]).toEqual([packageJson.version, packageJson.version]);
});

test("its schema takes its values, and the example's over them", () => {
  expect(isValid(values), JSON.stringify(isValid.errors)).toBe(true);
  expect(isValid({ ...withSettings(example.settings), existingSecret: "fx-secrets" })).toBe(true);
});

test.each(allRoles)("with the example's settings and secrets %s starts, on engines that all share", (role) => {
  const secrets = {
    ...variablesIn("helm/secrets.env.example"),
    FX_TOKEN: "given",
    FX_SECRETS_KEY: someSecretsKey,
    FX_CATALOG_URL: "postgres://fx:given@postgres.example.com/fx",
    FX_ARTIFACT_STORE_ACCESS_KEY_ID: "given",
    FX_ARTIFACT_STORE_SECRET_ACCESS_KEY: "given",
  };
  expectToServe(role, settingsOf({ ...ofImage, ...values.settings, ...example.settings, ...secrets }));
});

const secret = settingList.filter((each) => each.secret).map(({ variable }) => variable);
test.each(secret)("%s is a secret, and refused where all who see the release would see it", (variable) => {
  expect(isValid(withSettings({ [variable]: "given" }))).toBe(false);
});

test.each(["FX_DRAIN_MS", "FX_CATALOG_MIGRATE", "FX_HOST", "FX_PORT", "FX_DATA_DIR"])(
  "%s follows from the chart, and is no value",
  (variable) => {
    expect(isValid(withSettings({ [variable]: "1" }))).toBe(false);
  },
);

test("a number that Helm would write in its own way is refused", () => {
  expect(isValid(withSettings({ FX_EXECUTOR_MEMORY_BYTES: 268_435_456 }))).toBe(false);
});

test("a value that the chart does not know is refused", () => {
  expect(isValid({ ...values, replicas: 3 })).toBe(false);
});
