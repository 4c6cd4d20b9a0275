import { expect, onTestFinished, test } from "vitest";
import { makeCertificates } from "../../../engines/certificates.ts";
import { securedConsul } from "../../../engines/consul-secured.ts";
import { ownServersForFile } from "../../support/engines.ts";
import { TestPlatform } from "../../support/platform.ts";
import { tempDir } from "../../support/temp-dir.ts";

const servers = ownServersForFile(securedConsul);

type Environment = Record<string, string>;

async function start(change: (environment: Environment) => Environment = (same) => same): Promise<TestPlatform> {
  const platform = await TestPlatform.start({}, change(securedConsul.environment(servers().places)));
  onTestFinished(() => platform.stop());
  return platform;
}

function without(...names: string[]): (environment: Environment) => Environment {
  return (environment) => Object.fromEntries(Object.entries(environment).filter(([name]) => !names.includes(name)));
}

const counter = `
from fx_ef import context
seen = context.state.get().get("seen", 0) + 1
context.state.put("seen", seen)
print("seen", seen)
`;

test("over TLS, with its certificate shown, a platform keeps the state of its services in Consul", async () => {
  const platform = await start();
  await platform.deploy("counter", {
    "main.py": counter,
    "manifest.json": JSON.stringify({ trigger_events: ["order.placed"], concurrency: 1 }),
  });
  await platform.send({ id: "1", type: "order.placed" }, { id: "2", type: "order.placed" });
  const runs = await platform.settled(2);
  expect(runs.map(({ status }) => status)).toEqual(["completed", "completed"]);
  expect((await platform.request("GET", "/api/v1/state/default/counter")).body).toMatchObject({
    items: [{ key: "seen", value: 2 }],
  });
  expect((await platform.request("GET", "/readyz")).status).toBe(200);
});

test("a Consul whose certificate nobody vouches for that is trusted is not spoken to, and the setting is named", async () => {
  const { authorityFile } = await makeCertificates(tempDir());
  const wrong = start((environment) => ({ ...environment, FX_CONFIG_STORE_AUTHORITY_FILE: authorityFile }));
  await expect(wrong).rejects.toMatchObject({
    code: "unavailable",
    message: expect.stringMatching(/^Consul at https:\/\/127.* its certificate is not trusted: .*; authorityFile/),
  });
  const none = start(without("FX_CONFIG_STORE_AUTHORITY_FILE"));
  await expect(none).rejects.toThrow("certificate is not trusted");
});

test("a Consul that wants a certificate and is shown none, or one of another authority, says so", async () => {
  const none = start(without("FX_CONFIG_STORE_CERTIFICATE_FILE", "FX_CONFIG_STORE_KEY_FILE"));
  await expect(none).rejects.toThrow("shown none: certificate required; certificateFile");
  const { client } = await makeCertificates(tempDir());
  const other = start((environment) => ({
    ...environment,
    FX_CONFIG_STORE_CERTIFICATE_FILE: client.certificateFile,
    FX_CONFIG_STORE_KEY_FILE: client.keyFile,
  }));
  await expect(other).rejects.toThrow(/does not trust the certificate .*; certificateFile/);
});

test("a file of certificates that is not there, and a key without its certificate, are named before anything is sent", async () => {
  const missing = start((environment) => ({ ...environment, FX_CONFIG_STORE_AUTHORITY_FILE: "/no/such.pem" }));
  await expect(missing).rejects.toMatchObject({
    code: "invalid-input",
    message: expect.stringContaining("the file /no/such.pem for the connection to Consul"),
  });
  const half = start(without("FX_CONFIG_STORE_CERTIFICATE_FILE"));
  await expect(half).rejects.toMatchObject({
    code: "invalid-input",
    message: expect.stringContaining("configStore.certificateFile"),
  });
});
