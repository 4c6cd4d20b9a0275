import { describe, expect, onTestFinished, test } from "vitest";
import { killServer, startServer } from "../../../engines/servers.ts";
import { configStoreContract } from "../../../src/config-store/config-store.contract.ts";
import type { ConfigStore } from "../../../src/config-store/config-store.ts";
import { openConsulConfigStore } from "../../../src/config-store/consul.ts";
import type { StateEntry } from "../../../src/config-store/state-store.ts";
import { systemClock } from "../../../src/foundation/clock.ts";
import { createIds } from "../../../src/foundation/ids.ts";
import { silentLog } from "../../../src/foundation/log.ts";
import { systemRandom } from "../../../src/foundation/random.ts";
import { ownServers, sharedEnvironment } from "../../support/engines.ts";
import { eventually } from "../../support/eventually.ts";

const ids = createIds(systemClock, systemRandom);

async function open(prefix: string): Promise<ConfigStore> {
  const { FX_CONFIG_STORE_URL: url = "", FX_CONFIG_STORE_TOKEN: token } = sharedEnvironment("consul");
  const parts = { clock: systemClock, random: systemRandom, log: silentLog };
  const { store, isNew } = await openConsulConfigStore({ connection: { url, token }, prefix, ...parts });
  onTestFinished(() => store.close());
  if (isNew) await store.restored?.();
  return store;
}

describe("the configuration store's contract on Consul", () => {
  configStoreContract({
    async open() {
      const prefix = `test/${ids.next()}`;
      const store = await open(prefix);
      const reopen = async () => {
        await store.close();
        return open(prefix);
      };
      return { store, reopen };
    },
  });
});

const owner = { project: "shop", service: "orders" };

test("D11: from a Consul that was emptied nobody reads that there is nothing; state comes back, and goes on with its versions", async () => {
  const prefix = `test/${ids.next()}`;
  const store = await open(prefix);
  const kept: StateEntry = await store.state.put(owner, "seen", 41, 0);
  await store.secrets.put({ kind: "platform" }, [
    { name: "token", envelope: Buffer.from("sealed"), origin: "person", expectedVersion: 0 },
  ]);
  const asked = Promise.withResolvers<void>();
  const mayRestore = Promise.withResolvers<void>();
  store.onLost?.(async () => {
    asked.resolve();
    await mayRestore.promise;
    await store.state.restore(owner, "seen", kept);
  });
  await consul("DELETE", `/v1/kv/${prefix}?recurse`);
  await asked.promise;
  await expect(store.state.get(owner)).rejects.toMatchObject({ code: "unavailable", retryable: true });
  await expect(store.state.put(owner, "seen", 1, 0)).rejects.toMatchObject({ code: "unavailable" });
  mayRestore.resolve();
  const values = await eventually(() => store.state.get(owner));
  expect(values).toEqual(new Map([["seen", { value: 41, version: 1 }]]));
  expect(await store.state.put(owner, "seen", 42, 1)).toEqual({ value: 42, version: 2 });
  expect(await store.secrets.list({ kind: "platform" })).toEqual([]);
});

test("what another process changes moves the revision here, so that what was read before is read again", async () => {
  const prefix = `test/${ids.next()}`;
  const here = await open(prefix);
  const there = await open(prefix);
  const before = here.configuration.revision;
  await there.configuration.put({ kind: "platform" }, "limit", { value: 5, origin: "person" });
  await eventually(() => here.configuration.revision > before);
  expect((await here.configuration.get({ kind: "platform" }, "limit"))?.version).toBe(1);
});

test("of a key of configuration the newest hundred versions are kept, large ones too", async () => {
  const store = await open(`test/${ids.next()}`);
  const scope = { kind: "platform" } as const;
  for (let n = 1; n <= 103; n += 1) {
    await store.configuration.put(scope, "k", { value: "x".repeat(n % 2 === 0 ? 10 : 5000), origin: "person" });
  }
  const history = await store.configuration.history(scope, "k", { limit: 1000 });
  expect(history.map(({ version }) => version)).toEqual(Array.from({ length: 100 }, (_, n) => 103 - n));
});

test("a token that may not is told so, and a Consul that is not there is unavailable", async () => {
  const { FX_CONFIG_STORE_URL: url = "" } = sharedEnvironment("consul");
  const parts = { prefix: "test/refused", clock: systemClock, random: systemRandom, log: silentLog };
  const token = "00000000-0000-0000-0000-000000000000";
  await expect(openConsulConfigStore({ connection: { url, token }, ...parts })).rejects.toMatchObject({
    code: "forbidden",
    message: expect.stringContaining("configStore.token"),
  });
  await expect(openConsulConfigStore({ connection: { url: "http://127.0.0.1:9" }, ...parts })).rejects.toMatchObject({
    code: "unavailable",
    message: expect.stringContaining("Consul at http://127.0.0.1:9"),
  });
});

test("a Consul that is killed and started again is used again, and holds what it was given", async () => {
  const servers = await ownServers("consul");
  const { FX_CONFIG_STORE_URL: url = "", FX_CONFIG_STORE_TOKEN: token } = servers.engine.environment(servers.places);
  const parts = { prefix: "fx", clock: systemClock, random: systemRandom, log: silentLog };
  const { store } = await openConsulConfigStore({ connection: { url, token }, ...parts });
  onTestFinished(() => store.close());
  await store.restored?.();
  await store.state.put(owner, "k", "kept", 0);
  await killServer(servers, 0);
  await expect(store.state.get(owner)).rejects.toMatchObject({ code: "unavailable", retryable: true });
  await startServer(servers, 0);
  const values = await eventually(() => store.state.get(owner));
  expect(values.get("k")).toEqual({ value: "kept", version: 1 });
});

test("more secrets than a transaction takes are set at once, and a right that lacks is told and not waited for", async () => {
  const prefix = `test/${ids.next()}`;
  const store = await open(prefix);
  const changes = Array.from({ length: 70 }, (_, n) => ({
    name: `s-${n}`,
    envelope: Buffer.from("sealed"),
    origin: "person" as const,
    expectedVersion: 0,
  }));
  expect(await store.secrets.put({ kind: "platform" }, changes)).toHaveLength(70);
  expect(await store.secrets.list({ kind: "platform" })).toHaveLength(70);
  const token = await tokenThatOnly("read", prefix);
  const { FX_CONFIG_STORE_URL: url = "" } = sharedEnvironment("consul");
  const parts = { prefix, clock: systemClock, random: systemRandom, log: silentLog };
  const { store: reading } = await openConsulConfigStore({ connection: { url, token }, ...parts });
  onTestFinished(() => reading.close());
  const forbidden = { code: "forbidden" };
  await expect(
    reading.configuration.put({ kind: "platform" }, "k", { value: 1, origin: "person" }),
  ).rejects.toMatchObject(forbidden);
  await expect(reading.state.put(owner, "k", 1, 0)).rejects.toMatchObject(forbidden);
});

async function tokenThatOnly(right: string, prefix: string): Promise<string> {
  const { FX_CONFIG_STORE_URL: url = "", FX_CONFIG_STORE_TOKEN: token = "" } = sharedEnvironment("consul");
  const put = async (route: string, body: object) => {
    const options = { method: "PUT", headers: { "x-consul-token": token }, body: JSON.stringify(body) };
    return (await (await fetch(`${url}/v1/acl/${route}`, options)).json()) as { ID: string; SecretID: string };
  };
  const rules = `key_prefix "${prefix}/" { policy = "${right}" }`;
  const policy = await put("policy", { Name: ids.next(), Rules: rules });
  return (await put("token", { Policies: [{ ID: policy.ID }] })).SecretID;
}

async function consul(method: string, route: string): Promise<void> {
  const { FX_CONFIG_STORE_URL: url = "", FX_CONFIG_STORE_TOKEN: token = "" } = sharedEnvironment("consul");
  const response = await fetch(`${url}${route}`, { method, headers: { "x-consul-token": token } });
  if (!response.ok) throw new Error(`Consul answered ${response.status}`);
}
