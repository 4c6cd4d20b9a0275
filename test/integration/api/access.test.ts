import { once } from "node:events";
import { type IncomingMessage, request } from "node:http";
import { describe, expect, it } from "vitest";
import { startApiServer, testToken } from "../../support/api-server.ts";

/** Health, documents that hold no data, and webhooks, whose own token is in their address. */
const openRoutes = [
  "GET /healthz",
  "GET /readyz",
  "GET /api/v1/openapi.json",
  "GET /api/v1/schemas/x",
  "GET /api/docs",
  "POST /hooks/x",
];

describe("access to the API", () => {
  it("is denied on every route without the token, but for the routes that are declared open", async () => {
    const { url, app } = await startApiServer();
    const document = app.swagger() as { paths: Record<string, Record<string, unknown>> };
    const routes = Object.entries(document.paths).flatMap(([path, methods]) =>
      Object.keys(methods).map((method) => ({
        method: method.toUpperCase(),
        path: path.replaceAll(/\{[^}]+\}/g, "x"),
      })),
    );
    expect(routes.length).toBeGreaterThan(30);
    const answered: Record<string, number> = {};
    for (const { method, path } of routes) {
      const response = await fetch(url + path, { method });
      await response.body?.cancel();
      answered[`${method} ${path}`] = response.status;
    }
    const open = Object.entries(answered).filter(([, status]) => status !== 401);
    expect(open.map(([route]) => route).sort()).toEqual(openRoutes.filter((route) => route in answered).sort());
  });

  it.each([
    ["none", undefined],
    ["of another kind", "Basic YWRtaW46YWRtaW4="],
    ["that is wrong", "Bearer the-administrators-tokeX"],
    ["that is only begun", "Bearer the"],
    ["that is empty", "Bearer "],
  ])("is denied with a token %s, and told in a problem document", async (_name, authorization) => {
    const { url } = await startApiServer();
    const headers: Record<string, string> = authorization === undefined ? {} : { authorization };
    const response = await fetch(`${url}/api/v1/events`, { headers });
    expect(response.status).toBe(401);
    expect(response.headers.get("content-type")).toContain("application/problem+json");
    expect(response.headers.get("www-authenticate")).toContain("Bearer");
    expect(await response.json()).toMatchObject({ code: "unauthenticated", status: 401 });
  });

  it("S6: refuses a token in the address, and says how to send it", async () => {
    const { url } = await startApiServer();
    for (const name of ["token", "access_token"]) {
      const response = await fetch(`${url}/api/v1/events?${name}=${testToken}`);
      expect(response.status).toBe(400);
      const problem = (await response.json()) as { detail: string };
      expect(problem.detail).toContain("Authorization: Bearer");
      expect(problem.detail).not.toContain(testToken);
    }
  });

  it("answers an orchestrator's probes, which name an address that is not its own", async () => {
    const { url } = await startApiServer();
    for (const path of ["/healthz", "/readyz"]) {
      const probe = request(url + path, { headers: { host: "10.1.2.3:8080", "user-agent": "kube-probe/1.33" } });
      const [response] = (await once(probe.end(), "response")) as [IncomingMessage];
      response.resume();
      expect(response.statusCode, path).toBe(200);
    }
  });

  it("refuses changes that a page of another site asks for", async () => {
    const { call } = await startApiServer();
    const json = { name: "shop" };
    const foreign = await call("POST", "/api/v1/projects", { json, headers: { origin: "https://evil.example" } });
    expect(foreign).toMatchObject({ status: 403, json: { code: "forbidden" } });
    expect((await call("GET", "/api/v1/projects")).text).not.toContain("shop");
  });

  it("does not start with a route that does not say who may call it", async () => {
    const { requireDeclaredAccess } = await import("../../../src/manager/auth/access.ts");
    const { default: Fastify } = await import("fastify");
    const app = Fastify();
    requireDeclaredAccess(app);
    app.get("/declared", { config: { access: "anyone" } }, async () => "");
    app.get("/silent", async () => "");
    await expect(app.ready()).rejects.toThrow("/silent");
  });

  it("shows its description to everybody: OpenAPI 3.1 of every route", async () => {
    const { url } = await startApiServer();
    const response = await fetch(`${url}/api/v1/openapi.json`);
    const document = (await response.json()) as { openapi: string; paths: Record<string, Record<string, unknown>> };
    expect(document.openapi).toMatch(/^3\.1\./);
    const described = Object.entries(document.paths).flatMap(([path, methods]) =>
      Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`),
    );
    expect(described).toEqual(
      expect.arrayContaining([
        "POST /api/v1/events",
        "GET /api/v1/events/{key}",
        "POST /api/v1/services/{project}/{name}/versions",
        "POST /api/v1/services/{project}/{name}/run",
        "POST /api/v1/route/dry-run",
        "GET /api/v1/executions/{id}/steps/{n}/output",
        "POST /api/v1/executions/bulk",
        "GET /api/v1/flows",
        "GET /api/v1/ledger/reconcile",
      ]),
    );
    const text = JSON.stringify(document);
    const named = Object.keys((document as unknown as { components: { schemas: object } }).components.schemas);
    const referred = [...text.matchAll(/"\$ref":"#\/components\/schemas\/([^"]+)"/g)].map(([, name]) => name);
    expect(named).toEqual(expect.arrayContaining([...new Set(referred)]));
    expect(text).not.toContain("Default Response");
    expect(document.paths["/readyz"]?.get).toMatchObject({ security: [] });
    expect(document.paths["/api/v1/events"]?.get).not.toHaveProperty("security");
    const output = document.paths["/api/v1/executions/{id}/steps/{n}/output"]?.get;
    expect(output).toMatchObject({ responses: { 200: { content: { "application/octet-stream": {} } }, 206: {} } });
    expect(Object.keys(document.paths)).toContain("/api/v1/services/{project}/{name}/versions/{version}/files/{path}");
    const refusals = Object.values(document.paths).flatMap((methods) =>
      Object.values(methods).map((route) => Object.keys((route as { responses: object }).responses)),
    );
    expect(refusals.filter((statuses) => statuses.includes("4XX")).length).toBeGreaterThan(25);
    const docs = await fetch(`${url}/api/docs`);
    expect(docs.status).toBe(200);
    expect(await docs.text()).toContain("<html");
  });

  it.each([
    ["__proto__", '{"name": "shop", "labels": [{"__proto__": {"admin": true}}]}', "body.labels.0.__proto__"],
    ["constructor.prototype", '{"name": "shop", "constructor": {"prototype": 1}}', "body.constructor.prototype"],
  ])("refuses a body with the key %s, and names the key", async (_key, body, path) => {
    const { call } = await startApiServer();
    const answer = await call("POST", "/api/v1/projects", { body, headers: { "content-type": "application/json" } });
    expect(answer).toMatchObject({ status: 400, json: { code: "invalid-input", problems: [{ path }] } });
    expect((await call("GET", "/api/v1/projects")).text).not.toContain("shop");
  });

  it("says that a parameter is required where it is not there", async () => {
    const { call } = await startApiServer();
    const { status, json } = await call("GET", "/api/v1/secrets");
    expect([status, json.problems]).toEqual([400, [{ path: "querystring.scope", message: "must be given: text" }]]);
  });

  it("gives the schema of a file by its name, with or without .json", async () => {
    const { call } = await startApiServer();
    const [short, whole] = [
      await call("GET", "/api/v1/schemas/manifest"),
      await call("GET", "/api/v1/schemas/manifest.json"),
    ];
    expect([short.status, short.json.title]).toEqual([200, "manifest.json of a service"]);
    expect(whole.text).toBe(short.text);
    expect((await call("GET", "/api/v1/schemas/manifest.jsonc")).status).toBe(400);
  });

  it("answers unknown addresses, wrong methods and wrong bodies with problem documents", async () => {
    const { call } = await startApiServer();
    const text = { headers: { "content-type": "text/plain" }, body: "hello" };
    const broken = { headers: { "content-type": "application/json" }, body: "{" };
    const answers = await Promise.all([
      call("GET", "/api/v1/nothing"),
      call("PUT", "/api/v1/projects"),
      call("POST", "/api/v1/projects", text),
      call("POST", "/api/v1/projects", broken),
      call("POST", "/api/v1/projects", { json: { name: "Not A Name" } }),
      call("GET", "/api/v1/executions?limit=0"),
      call("GET", "/api/v1/executions?after=made-up"),
      call("GET", "/api/v1/%ff"),
    ]);
    expect(answers.map(({ status, json }) => [status, json?.code])).toEqual([
      [404, "not-found"],
      [405, "invalid-input"],
      [415, "invalid-input"],
      [400, "invalid-input"],
      [400, "invalid-input"],
      [400, "invalid-input"],
      [400, "invalid-input"],
      [400, "invalid-input"],
    ]);
    for (const { headers } of answers) expect(headers.get("content-type")).toContain("application/problem+json");
    expect(answers[1]?.headers.get("allow")).toBe("GET, HEAD, POST");
    expect(answers[4]?.json.problems).toEqual([{ path: "body.name", message: expect.stringContaining("lower-case") }]);
  });
});
