import { describe, expect, test } from "vitest";
import { decodeStateRecord } from "../../../src/events/state-record.ts";
import { topics } from "../../../src/events/topics.ts";
import { reconcileState } from "../../../src/recovery/state-log.ts";
import { type ApiServer, startApiServer } from "../../support/api-server.ts";
import { packageOf } from "../../support/package.ts";

const hello = { "main.py": "print('hello')\n" };

async function deploy(server: ApiServer, files: Record<string, string>, service = "default/hello") {
  return server.call("POST", `/api/v1/services/${service}/versions`, {
    body: await packageOf(files),
    headers: { "content-type": "application/gzip" },
  });
}

async function withService(): Promise<ApiServer> {
  const server = await startApiServer();
  expect((await deploy(server, hello)).status).toBe(201);
  return server;
}

describe("/config", () => {
  const service = "/api/v1/config/service/default/hello";

  test("sets, reads, lists, deletes and brings back, and shows all of it as history", async () => {
    const { call } = await withService();
    const first = await call("PUT", `${service}/limit`, { json: { max: 5 } });
    expect(first).toMatchObject({ status: 200, json: { scope: "service:default/hello", key: "limit", version: 1 } });
    expect(first.headers.get("etag")).toBe('"1"');
    await call("PUT", `${service}/limit`, { json: null });
    await call("PUT", `${service}/other%20key`, { json: "a text" });
    const read = await call("GET", `${service}/limit`);
    expect([read.json.value, read.headers.get("etag")]).toEqual([null, '"2"']);
    const page = await call("GET", `${service}?limit=1`);
    expect(page.json).toMatchObject({ items: [{ key: "limit" }], next: "limit" });
    const rest = await call("GET", `${service}?after=limit`);
    expect(rest.json).toMatchObject({ items: [{ key: "other key", value: "a text" }], next: null });
    expect((await call("DELETE", `${service}/limit`)).status).toBe(204);
    expect((await call("GET", `${service}/limit`)).status).toBe(404);
    expect((await call("PUT", `${service}/limit?restore=3`)).status).toBe(404);
    expect((await call("PUT", `${service}/limit?restore=1`)).json).toMatchObject({ version: 4, value: { max: 5 } });
    const { items, next } = (await call("GET", `${service}/limit?history=true&limit=3`)).json;
    expect(items.map((entry: { version: number; deleted: boolean }) => [entry.version, entry.deleted])).toEqual([
      [4, false],
      [3, true],
      [2, false],
    ]);
    expect((await call("GET", `${service}/limit?history=true&after=${next}`)).json.items).toMatchObject([
      { version: 1 },
    ]);
  });

  test("sets on an expected version only, where one is given", async () => {
    const { call } = await withService();
    const put = (value: number, version: string) =>
      call("PUT", `${service}/k`, { json: value, headers: { "if-match": version } });
    expect((await put(1, '"0"')).status).toBe(200);
    expect((await put(2, '"0"')).status).toBe(412);
    expect((await put(2, '"1"')).status).toBe(200);
    expect((await put(3, "*")).status).toBe(400);
    expect((await call("GET", `${service}/k`)).json.value).toBe(2);
  });

  test("shows what a service sees, with the scope of each value", async () => {
    const { call } = await withService();
    for (const [scope, keys] of [
      ["platform", ["a", "b", "c"]],
      ["project/default", ["b", "c"]],
      ["service/default/hello", ["c"]],
    ] as const) {
      for (const key of keys) await call("PUT", `/api/v1/config/${scope}/${key}`, { json: scope });
    }
    const { items } = (await call("GET", `${service}?effective=true`)).json;
    expect(items.map(({ key, scope }: { key: string; scope: string }) => `${key} ${scope}`)).toEqual([
      "a platform",
      "b project:default",
      "c service:default/hello",
    ]);
  });

  test("answers 404 for what is not there, and 400 for what is no place, with words that help", async () => {
    const { call } = await withService();
    for (const path of ["project/none", "service/default/none/k", "platform/none"]) {
      expect((await call("GET", `/api/v1/config/${path}`)).status, path).toBe(404);
    }
    for (const path of ["nowhere", "project", "platform/a/b", "project/UPPER"]) {
      expect((await call("PUT", `/api/v1/config/${path}`, { json: 1 })).status, path).toBe(400);
    }
    expect((await call("PUT", `${service}/k`)).json.detail).toContain("restore");
    expect((await call("PUT", service, { json: 1 })).json.detail).toContain("key");
    const colons = await call("PUT", "/api/v1/config/service:default/hello/k", { json: 1 });
    expect(colons).toMatchObject({
      status: 400,
      json: { detail: expect.stringContaining("service/PROJECT/NAME/KEY") },
    });
  });

  test("takes a version to restore or a value, not both, and describes a body that may be left out", async () => {
    const { call, app } = await withService();
    await call("PUT", `${service}/limit`, { json: 1 });
    expect(await call("PUT", `${service}/limit?restore=1`, { json: 2 })).toMatchObject({
      status: 400,
      json: { detail: expect.stringContaining("no body") },
    });
    expect((await call("GET", `${service}/limit`)).json).toMatchObject({ value: 1, version: 1 });
    const { paths } = app.swagger() as { paths: Record<string, Record<string, { requestBody?: object }>> };
    expect(paths["/api/v1/config/{path}"]?.put?.requestBody).toMatchObject({ required: false });
    expect(paths["/api/v1/projects"]?.post?.requestBody).toMatchObject({ required: true });
    expect(JSON.stringify(paths)).not.toContain("x-optional");
  });
});

describe("/secrets", () => {
  test("S1: names, versions and times; a value is in no answer, whether it was taken or refused", async () => {
    const { call } = await withService();
    const value = "a-very-secret-value";
    const at = (scope: string, name: string) => `/api/v1/secrets?scope=${scope}&name=${name}`;
    const answers = [
      await call("PUT", at("service:default/hello", "key"), { json: { value } }),
      await call("PUT", at("platform", "key"), { json: { value: { nested: value } } }),
      await call("PUT", at("platform", "short"), { json: { value: "12345" } }),
      await call("PUT", at("platform", "key"), { json: { value, other: value } }),
      await call("PUT", at("platform", "key"), {
        body: `{"value": "${value}`,
        headers: { "content-type": "application/json" },
      }),
      await call("PUT", at("platform", "a%2Fb"), { json: { value } }),
      await call("PUT", at("project:none", "key"), { json: { value } }),
      await call("PUT", at("platform", "key"), { json: { value: null } }),
      await call("GET", "/api/v1/secrets?scope=platform"),
    ];
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 400, 400, 400, 404, 400, 200]);
    for (const { text } of answers) expect(text).not.toContain(value);
    expect(answers[2]?.json.warnings).toEqual([expect.stringContaining("not redacted")]);
    expect(answers[8]?.json.items).toMatchObject([{ name: "key", version: 1 }, { name: "short" }]);
    expect((await call("DELETE", at("platform", "key"))).status).toBe(204);
    expect((await call("DELETE", at("platform", "key"))).status).toBe(404);
  });
});

describe("/state", () => {
  const path = "/api/v1/state/default/hello";

  test("D11: a put is the next version, is logged on the backbone, and loses against a version that was not expected", async () => {
    const { call, bus } = await withService();
    expect((await call("PUT", path, { json: { a: 1, b: [true] } })).status).toBe(200);
    expect((await call("PUT", `${path}?expectedVersion=1`, { json: { a: 2 } })).json.items).toMatchObject([
      { version: 2 },
    ]);
    expect((await call("PUT", `${path}?expectedVersion=1`, { json: { a: 3 } })).status).toBe(409);
    expect((await call("PUT", `${path}?expectedVersion=1`, { json: { a: 3, b: 3 } })).status).toBe(400);
    expect((await call("GET", path)).json).toEqual({
      items: [
        { key: "a", value: 2, version: 2 },
        { key: "b", value: [true], version: 1 },
      ],
      next: null,
    });
    const logged = [];
    for (const { partition, earliest } of await bus.offsets(topics.state)) {
      const records = await bus.peek(topics.state, partition, earliest, 100);
      logged.push(...records.map((record) => decodeStateRecord(record.value)));
    }
    const versions = logged.map((record) => `${record?.key} ${record?.entry.version}`);
    expect(versions.sort()).toEqual(["a 1", "a 2", "b 1"]);
    expect((await call("GET", "/api/v1/state/default/none")).status).toBe(404);
  });

  test("D11: what was deleted, alone or with its service, stays deleted when the log is replayed", async () => {
    const { call, bus, configStore } = await withService();
    await call("PUT", path, { json: { gone: 1, left: 2 } });
    expect((await call("DELETE", `${path}?key=gone`)).status).toBe(204);
    expect((await call("DELETE", `${path}?key=gone`)).status).toBe(404);
    const owner = { project: "default", service: "hello" };
    const { openSqliteConfigStore } = await import("../../../src/config-store/sqlite.ts");
    const { systemClock } = await import("../../../src/foundation/clock.ts");
    const replayed = async () => {
      const empty = openSqliteConfigStore({ clock: systemClock });
      await reconcileState(bus, empty.state);
      const keys = [...(await empty.state.get(owner)).keys()];
      await empty.close();
      return keys;
    };
    expect(await replayed()).toEqual(["left"]);
    await call("PUT", "/api/v1/config/service/default/hello/k", { json: 1 });
    await call("PUT", "/api/v1/secrets?scope=service:default/hello&name=s", { json: { value: "a secret" } });
    expect((await call("DELETE", "/api/v1/services/default/hello")).status).toBe(200);
    expect(await replayed()).toEqual([]);
    const place = { kind: "service", ...owner } as const;
    expect(await configStore.secrets.list(place)).toEqual([]);
    expect(await configStore.configuration.history(place, "k", { limit: 1 })).toEqual([]);
    expect((await call("DELETE", "/api/v1/services/default/hello")).status).toBe(404);
  });

  test("a deletion of a service that a crash cut in two is finished when it is asked for again", async () => {
    const { call, catalog, vault } = await withService();
    await call("PUT", "/api/v1/secrets?scope=service:default/hello&name=s", { json: { value: "a secret" } });
    await catalog.services.delete("default", "hello");
    expect((await call("DELETE", "/api/v1/services/default/hello")).json).toMatchObject({ versions: 0, secrets: 1 });
    expect(await vault.list({ kind: "service", project: "default", service: "hello" })).toEqual([]);
  });
});

describe("a deploy with config.json and secrets.json", () => {
  const config = JSON.stringify({ limit: 5, url: "http://x" });
  const secrets = JSON.stringify({ token: "a-very-secret-token", db: { password: "another-secret" } });

  test("S1: proposes values, and says what was taken and what a person's change kept", async () => {
    const server = await startApiServer();
    const first = await deploy(server, { ...hello, "config.json": config, "secrets.json": secrets });
    expect(first).toMatchObject({
      status: 201,
      json: { configuration: { taken: ["limit", "url"] }, secrets: { taken: ["token", "db"] }, warnings: [] },
    });
    await server.call("PUT", "/api/v1/config/service/default/hello/limit", { json: 9 });
    await server.call("DELETE", "/api/v1/secrets?scope=service:default/hello&name=token");
    const changed = JSON.stringify({ limit: 6 });
    const second = await deploy(server, { ...hello, "config.json": changed, "secrets.json": secrets });
    expect(second.json).toMatchObject({
      configuration: { taken: [], kept: ["limit"], gone: ["url"] },
      secrets: { taken: [], kept: ["token"] },
    });
    const values = await server.call("GET", "/api/v1/config/service/default/hello");
    expect(values.json.items).toMatchObject([{ key: "limit", value: 9, origin: "person" }]);
    const file = `/api/v1/services/default/hello/versions/${second.json.version}/files/config.json`;
    expect((await server.call("GET", file)).text).toBe(changed);
  });

  test("S1: is refused with the place where a file has the wrong shape, and tells no value", async () => {
    const server = await startApiServer();
    for (const [files, place] of [
      [{ "config.json": "[1]" }, "config.json"],
      [{ "config.json": '{"a/b": 1}' }, "config.json: a/b"],
      [{ "secrets.json": '{"a": "a-very-secret-value' }, "secrets.json"],
      [{ "secrets.json": '"a-very-secret-value"' }, "secrets.json"],
      [{ "secrets.json": '{"a": null, "b": "a-very-secret-value"}' }, "secrets.json: a"],
    ] as const) {
      const refused = await deploy(server, { ...hello, ...files } as Record<string, string>);
      expect([refused.status, refused.json.problems[0].path]).toEqual([400, place]);
      expect(refused.text).not.toContain("a-very-secret");
    }
    expect((await server.call("GET", "/api/v1/services")).json.items).toEqual([]);
  });
});
