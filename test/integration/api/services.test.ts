import { describe, expect, it } from "vitest";
import { type ApiServer, type ApiServerOptions, startApiServer } from "../../support/api-server.ts";
import { eventually } from "../../support/eventually.ts";
import { packageOf } from "../../support/package.ts";

async function serverWith(manifest: object = {}, options: ApiServerOptions = {}) {
  const server = await startApiServer(options);
  const version = await deploy(server, manifest, "1");
  return { server, version };
}

async function deploy({ call }: ApiServer, manifest: object, content: string): Promise<string> {
  const body = await packageOf({ "main.py": content, "manifest.json": JSON.stringify(manifest) });
  const headers = { "content-type": "application/gzip" };
  const { json } = await call("POST", "/api/v1/services/default/hello/versions", { body, headers });
  return json.version;
}

const service = "/api/v1/services/default/hello";

describe("services", () => {
  it("rolls back and forward, switches off and on, and changes the priority", async () => {
    const { server, version: first } = await serverWith();
    const second = await deploy(server, {}, "2");
    const active = async () => (await server.call("GET", service)).json.activeVersion;
    expect(await active()).toBe(second);
    await server.call("PATCH", service, { json: { activeVersion: first } });
    expect(await active()).toBe(first);
    const { json } = await server.call("PATCH", service, {
      json: { activeVersion: second, active: false, priority: 1 },
    });
    expect(json).toMatchObject({ activeVersion: second, active: false, priority: 1 });
    expect(json.versions.map(({ version }: { version: string }) => version)).toEqual([second, first]);
  });

  it("refuses versions that are not there, unknown keys and empty changes", async () => {
    const { server } = await serverWith();
    const patch = (json: unknown) => server.call("PATCH", service, { json });
    expect((await patch({ activeVersion: "made-up" })).status).toBe(404);
    expect((await patch({ priorty: 1 })).status).toBe(400);
    expect((await patch({ priority: 11 })).status).toBe(400);
    expect((await patch({})).status).toBe(400);
    expect((await server.call("PATCH", "/api/v1/services/default/none", { json: { active: true } })).status).toBe(404);
  });

  it("deletes a service with all that is its own, and tells how much that was", async () => {
    const { server } = await serverWith({ trigger_events: ["a"] });
    await server.call("PUT", "/api/v1/config/service/default/hello/k", { json: 1 });
    await server.call("PUT", "/api/v1/secrets?scope=service:default/hello&name=s", { json: { value: "a secret" } });
    await server.call("PUT", "/api/v1/state/default/hello", { json: { seen: 1, sent: 2 } });
    const { status, json } = await server.call("DELETE", service);
    expect(status).toBe(200);
    expect(json).toEqual({
      project: "default",
      name: "hello",
      versions: 1,
      links: 1,
      jobs: 0,
      configuration: 1,
      secrets: 1,
      state: 2,
      cancelled: 0,
    });
    expect((await server.call("GET", service)).status).toBe(404);
    expect((await server.call("GET", "/api/v1/links")).json.items).toEqual([]);
    expect((await server.call("DELETE", service)).status).toBe(404);
  });

  it("keeps a project that has services, and the project default", async () => {
    const { server } = await serverWith();
    await server.call("POST", "/api/v1/projects", { json: { name: "shop", description: "a shop" } });
    expect((await server.call("POST", "/api/v1/projects", { json: { name: "shop" } })).status).toBe(409);
    expect((await server.call("DELETE", "/api/v1/projects/default")).json.code).toMatch(/forbidden|conflict/);
    expect((await server.call("DELETE", "/api/v1/projects/shop")).status).toBe(204);
    expect((await server.call("DELETE", "/api/v1/projects/shop")).status).toBe(404);
  });
});

describe("links", () => {
  const create = ({ call }: ApiServer, change: object = {}) =>
    call("POST", "/api/v1/links", { json: { service: "hello", eventType: "order.placed", ...change } });

  it("D17: the same content again is the same link", async () => {
    const { server } = await serverWith();
    const first = await create(server, { filter: "event.data.total > 5" });
    expect(first).toMatchObject({ status: 201, json: { origin: "person", version: "active", active: true } });
    expect(await create(server, { filter: "event.data.total > 5" })).toMatchObject({
      status: 200,
      json: { id: first.json.id },
    });
    expect((await create(server)).json.id).not.toBe(first.json.id);
  });

  it("lists by service and event type, changes, and removes", async () => {
    const { server, version } = await serverWith();
    const { json: link } = await create(server);
    const items = async (query = "") => (await server.call("GET", `/api/v1/links${query}`)).json.items;
    expect(await items("?service=default/hello&eventType=order.placed")).toHaveLength(1);
    expect(await items("?service=default/other")).toEqual([]);
    const changed = await server.call("PATCH", `/api/v1/links/${link.id}`, {
      json: { version, eventType: "order.*", filter: "event.id == '1'", active: false },
    });
    expect(changed.json).toMatchObject({ version, eventType: "order.*", filter: "event.id == '1'", active: false });
    const cleared = await server.call("PATCH", `/api/v1/links/${link.id}`, { json: { filter: null } });
    expect(cleared.json.filter).toBeNull();
    expect((await server.call("DELETE", `/api/v1/links/${link.id}`)).status).toBe(204);
    expect((await server.call("GET", `/api/v1/links/${link.id}`)).status).toBe(404);
  });

  it.each([
    ["a filter that is no CEL", { filter: "event." }, "body.filter"],
    ["a pattern in the middle", { eventType: "a.*.b" }, "body.eventType"],
    ["a bare star", { eventType: "*" }, "body.eventType"],
    ["an unknown key", { evenType: "a" }, "body"],
  ])("refuses %s", async (_name, change, path) => {
    const { server } = await serverWith();
    const { status, json } = await create(server, change);
    expect(status).toBe(400);
    expect(json.problems[0].path).toBe(path);
  });

  it("refuses services and versions that are not there", async () => {
    const { server } = await serverWith();
    expect((await create(server, { service: "none" })).status).toBe(404);
    expect((await create(server, { version: "none" })).status).toBe(404);
  });
});

describe("the dry run", () => {
  const dryRun = ({ call }: ApiServer, event: object) => call("POST", "/api/v1/route/dry-run", { json: event });

  it("says which links match, why others do not, and which type was perhaps meant; stores nothing", async () => {
    const triggers = ["order.placed", { type: "order.*", filter: "event.data.total > 5" }];
    const { server, version } = await serverWith({ trigger_events: triggers });
    const some = await dryRun(server, { type: "order.placed", data: { total: 1 } });
    expect(some.json).toMatchObject({
      outcome: "matched",
      matches: [{ service: "hello", version }],
      misses: [{ service: "hello", reason: expect.stringContaining("filter is false") }],
    });
    const missing = await dryRun(server, { type: "order.other" });
    expect(missing.json).toMatchObject({
      outcome: "unmatched",
      misses: [{ reason: expect.stringContaining("could not be evaluated") }],
    });
    const misspelt = await dryRun(server, { type: "ordr.placed" });
    expect(misspelt.json).toMatchObject({ outcome: "unmatched", nearest: "order.placed" });
    expect(misspelt.json.reason).toBe("no link names ordr.placed; nearest: order.placed");
    expect((await dryRun(server, { type: "a b" })).status).toBe(400);
    expect((await server.call("GET", "/api/v1/events")).json.items).toEqual([]);
    expect((await server.call("GET", "/api/v1/executions")).json.items).toEqual([]);
  });

  it("takes an event with the content type it is sent with", async () => {
    const { server } = await serverWith({ trigger_events: ["order.placed"] });
    const headers = { "content-type": "application/cloudevents+json" };
    const body = JSON.stringify({ specversion: "1.0", id: "1", source: "/s", type: "order.placed" });
    const answer = await server.call("POST", "/api/v1/route/dry-run", { headers, body });
    expect([answer.status, answer.json.outcome]).toEqual([200, "matched"]);
  });

  it("sees a link as soon as it is laid", async () => {
    const { server } = await serverWith();
    expect((await dryRun(server, { type: "late" })).json.outcome).toBe("unmatched");
    await server.call("POST", "/api/v1/links", { json: { service: "hello", eventType: "late" } });
    expect((await dryRun(server, { type: "late" })).json.outcome).toBe("matched");
  });
});

describe("running a service by name", () => {
  const run = ({ call }: ApiServer, json: object = {}, key?: string) =>
    call("POST", `${service}/run`, { json, headers: key === undefined ? {} : { "idempotency-key": key } });

  it("starts one execution and tells it and its event at once; the event is routed as matched", async () => {
    const { server, version } = await serverWith({}, { routed: true });
    const { status, json } = await run(server, { data: { n: 1 }, priority: 2 });
    expect(status).toBe(202);
    const execution = await server.call("GET", `/api/v1/executions/${json.executionId}`);
    expect(execution.json).toMatchObject({
      service: "hello",
      version,
      status: "pending",
      trigger: "manual",
      priority: 2,
      lane: "high",
      eventKey: json.eventKey,
      eventType: "fx.service.run_requested",
      event: { data: { n: 1 }, subject: "default/hello", fxproject: "default" },
      steps: [],
      emitted: [],
    });
    const event = await server.call("GET", `/api/v1/events/${json.eventKey}?wait=10000`);
    expect(event.json).toMatchObject({ outcome: "matched", links: [{ matched: true, executionId: json.executionId }] });
    expect((await server.call("GET", "/api/v1/executions")).json.items).toHaveLength(1);
  });

  it("shows the event as pending while it has not reached the bus", async () => {
    const { server } = await serverWith();
    const { json } = await run(server);
    expect((await server.call("GET", `/api/v1/events/${json.eventKey}`)).json.outcome).toBe("pending");
  });

  it("D17: the same Idempotency-Key answers the same run, and refuses another request", async () => {
    const { server } = await serverWith({}, { routed: true });
    const first = await run(server, { data: { n: 1 } }, "key-1");
    expect((await run(server, { data: { n: 1 } }, "key-1")).json).toEqual(first.json);
    await server.call("GET", `/api/v1/events/${first.json.eventKey}?wait=10000`);
    expect((await run(server, { data: { n: 1 } }, "key-1")).json).toEqual(first.json);
    expect(await run(server, { data: { n: 2 } }, "key-1")).toMatchObject({ status: 409, json: { code: "conflict" } });
    expect(await run(server, { data: { n: 1 }, priority: 1 }, "key-1")).toMatchObject({ status: 409 });
    const other = await run(server, { data: { n: 1 } }, "key-2");
    expect(other.json.executionId).not.toBe(first.json.executionId);
    expect((await server.call("GET", "/api/v1/executions")).json.items).toHaveLength(2);
  });

  it("D17: concurrent repeats start one run", async () => {
    const { server } = await serverWith();
    const answers = await Promise.all(Array.from({ length: 10 }, () => run(server, { data: 1 }, "key")));
    expect(new Set(answers.map(({ json }) => json.executionId)).size).toBe(1);
  });

  it("D17: of other requests under one key at the same moment one runs, and the others are told", async () => {
    const { server } = await serverWith();
    const answers = await Promise.all([1, 2, 3, 4].map((n) => run(server, { data: { n } }, "key")));
    expect(answers.map(({ status }) => status).sort()).toEqual([202, 409, 409, 409]);
  });

  it("runs a version that is named, and refuses one of another service", async () => {
    const { server, version: first } = await serverWith();
    await deploy(server, {}, "2");
    const { json } = await run(server, { version: first });
    expect((await server.call("GET", `/api/v1/executions/${json.executionId}`)).json.version).toBe(first);
    expect((await run(server, { version: "made-up" })).status).toBe(404);
  });

  it("refuses a service that is switched off, is not run by hand, or is not there", async () => {
    const { server } = await serverWith({ allow_manual_triggering: false });
    expect(await run(server)).toMatchObject({
      status: 409,
      json: { detail: expect.stringContaining("allow_manual_triggering") },
    });
    await deploy(server, {}, "2");
    expect((await run(server)).status).toBe(202);
    await server.call("PATCH", service, { json: { active: false } });
    expect(await run(server)).toMatchObject({ status: 409, json: { detail: expect.stringContaining("switched off") } });
    expect((await server.call("POST", "/api/v1/services/default/none/run", { json: {} })).status).toBe(404);
  });

  it("needs no body, and refuses a key that no event id can be", async () => {
    const { server } = await serverWith();
    expect((await server.call("POST", `${service}/run`)).status).toBe(202);
    expect((await run(server, {}, "x".repeat(1025))).status).toBe(400);
    await eventually(async () => (await server.call("GET", "/api/v1/executions")).json.items.length === 1);
  });
});
