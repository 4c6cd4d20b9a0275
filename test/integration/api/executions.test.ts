import { describe, expect, it } from "vitest";
import type { ClaimedExecution } from "../../../src/catalog/leases.ts";
import type { Step } from "../../../src/executions/execution.ts";
import type { InstanceId } from "../../../src/foundation/ids.ts";
import { type ApiServer, startApiServer, testToken } from "../../support/api-server.ts";
import { eventually } from "../../support/eventually.ts";
import { packageOf } from "../../support/package.ts";

/** A server with a service that the event type `go` starts, and so many executions of it. */
async function serverWithExecutions(count: number, manifest: object = {}) {
  const server = await startApiServer({ routed: true });
  const body = await packageOf({
    "main.py": "",
    "manifest.json": JSON.stringify({ trigger_events: ["go"], ...manifest }),
  });
  const headers = { "content-type": "application/gzip" };
  await server.call("POST", "/api/v1/services/default/hello/versions", { body, headers });
  for (let id = 1; id <= count; id += 1) await emit(server, { id: `go-${id}`, type: "go" });
  await eventually(async () => (await list(server)).items.length === count);
  return server;
}

async function emit({ call }: ApiServer, event: object) {
  const body = JSON.stringify({ specversion: "1.0", source: "/test", correlationid: "flow", ...event });
  await call("POST", "/api/v1/events", { body, headers: { "content-type": "application/cloudevents+json" } });
}

async function list({ call }: ApiServer, query = "") {
  return (await call("GET", `/api/v1/executions${query}`)).json;
}

async function claim({ catalog }: ApiServer): Promise<ClaimedExecution["execution"]> {
  const owner = "executor" as InstanceId;
  const [claimed] = await catalog.leases.claim({ owner, lanes: ["high", "regular", "low"], limit: 1, leaseMs: 60_000 });
  if (claimed === undefined) throw new Error("nothing was due");
  return claimed.execution;
}

function stepOf(sizeBytes: number): Step {
  const output = { preview: "hello", sizeBytes, truncated: false };
  return { n: 1, script: "main.py", attempt: 1, status: "completed", exitCode: 0, startedAt: 1, finishedAt: 2, output };
}

async function finish(
  { catalog }: ApiServer,
  { id, lease }: ClaimedExecution["execution"],
  sizeBytes = 0,
): Promise<void> {
  await catalog.leases.finish([{ id, token: lease.token, steps: [stepOf(sizeBytes)], outcome: { kind: "completed" } }]);
}

async function fail({ catalog }: ApiServer, { id, lease }: ClaimedExecution["execution"]): Promise<void> {
  const error = { kind: "exit" as const, message: "broken", script: "main.py", exitCode: 1 };
  const outcome = { kind: "failed" as const, error, retryInMs: undefined };
  await catalog.leases.finish([{ id, token: lease.token, steps: [], outcome }]);
}

function write(
  { opsData }: ApiServer,
  executionId: string,
  seq: number,
  text: string | Uint8Array,
  stream = "stdout" as const,
) {
  const facts = { executionId, project: "default", service: "hello", attempt: 1, step: 1, script: "main.py" };
  return opsData.append([{ ...facts, seq, at: seq, stream, level: undefined, bytes: Buffer.from(text) }]);
}

describe("executions", () => {
  it("refuse a parameter that no filter has, instead of answering everything", async () => {
    const server = await startApiServer();
    for (const path of ["executions?stauts=failed", "events?typ=go", "services?bogus=1", "links?x=y", "projects?a=b"]) {
      const { status, json } = await server.call("GET", `/api/v1/${path}`);
      expect([path, status]).toEqual([path, 400]);
      expect(json.detail ?? JSON.stringify(json.problems)).toContain(path.split(/[?=]/)[1]);
    }
  });

  it("are listed newest first, page after page, by filter", async () => {
    const server = await serverWithExecutions(5);
    const first = await list(server, "?limit=3");
    const second = await list(server, `?limit=3&after=${encodeURIComponent(first.next)}`);
    const ids = [...first.items, ...second.items].map(({ eventId }: { eventId: string }) => eventId);
    expect(ids).toEqual(["go-5", "go-4", "go-3", "go-2", "go-1"]);
    expect(second.next).toBeNull();
    await finish(server, await claim(server));
    const count = async (query: string) => (await list(server, query)).items.length;
    expect(await count("?status=completed")).toBe(1);
    expect(await count("?status=pending,completed")).toBe(5);
    expect(await count("?service=default/hello")).toBe(5);
    expect(await count("?service=hello&trigger=event&correlationid=flow")).toBe(5);
    expect(await count("?service=default/other")).toBe(0);
    expect(await count(`?eventkey=${first.items[0].eventKey}`)).toBe(1);
    expect(await count("?to=2020-01-01T00:00:00Z")).toBe(0);
    expect((await server.call("GET", "/api/v1/executions?status=done")).status).toBe(400);
  });

  it("show steps, trigger and emitted events when asked for alone", async () => {
    const server = await serverWithExecutions(1);
    const execution = await claim(server);
    const { encodeRecord } = await import("../../../src/events/bus-binding.ts");
    const emitted = {
      specversion: "1.0" as const,
      id: "e",
      source: "/s",
      type: "done",
      correlationid: "flow",
      fxexecution: execution.id,
    };
    await server.bus.publish([encodeRecord("fx.events", emitted)]);
    await finish(server, execution);
    const { json } = await eventually(async () => {
      const answer = await server.call("GET", `/api/v1/executions/${execution.id}`);
      return answer.json.emitted.length === 1 && answer;
    });
    expect(json).toMatchObject({
      id: execution.id,
      status: "completed",
      attempt: 1,
      losses: 0,
      error: null,
      event: { id: "go-1", type: "go" },
      steps: [{ script: "main.py", status: "completed", exitCode: 0, output: { preview: "hello", sizeBytes: 0 } }],
      emitted: [{ event: { id: "e", type: "done" }, outcome: "unmatched" }],
    });
    expect((await server.call("GET", "/api/v1/executions/unknown")).status).toBe(404);
  });

  it("D6: a retry is a new execution, and only of one that has ended", async () => {
    const server = await serverWithExecutions(1);
    const execution = await claim(server);
    const retry = () =>
      server.call("POST", `/api/v1/executions/${execution.id}/retry`, { json: { version: "active" } });
    expect((await retry()).status).toBe(409);
    await finish(server, execution);
    const { status, json } = await retry();
    expect(status).toBe(201);
    expect(json).toMatchObject({ retryOf: execution.id, status: "pending" });
    expect(json.id).not.toBe(execution.id);
    const { json: detail } = await server.call("GET", `/api/v1/executions/${execution.id}`);
    expect(detail.retries).toEqual([{ id: json.id, status: "pending" }]);
  });

  it("D6: what was retried is retried again only on request, unless that retry failed", async () => {
    const server = await serverWithExecutions(1);
    const failed = await claim(server);
    await fail(server, failed);
    const retry = (json = {}, id: string = failed.id) =>
      server.call("POST", `/api/v1/executions/${id}/retry`, { json });
    const first = await retry();
    expect(await retry()).toMatchObject({
      status: 409,
      json: { detail: expect.stringContaining(`was retried as ${first.json.id}, which is pending`) },
    });
    await fail(server, await claim(server));
    const second = await retry({}, first.json.id);
    expect(second.status).toBe(201);
    await finish(server, await claim(server));
    expect((await retry()).json.detail).toContain(`was retried as ${second.json.id}, which is completed`);
    const bulk = { filter: { status: ["failed"] }, action: "retry" };
    expect((await server.call("POST", "/api/v1/executions/bulk", { json: bulk })).json).toMatchObject({
      matched: 2,
      done: 0,
      refused: 2,
    });
    expect((await list(server, "?status=failed&retried=false")).items).toEqual([]);
    expect((await list(server, "?status=failed&retried=true")).items).toHaveLength(2);
    expect((await retry({ again: true })).status).toBe(201);
  });

  it("are cancelled at once while pending, asked to stop while running, and skipped only while pending", async () => {
    const server = await serverWithExecutions(3);
    const running = await claim(server);
    const act = (id: string, action: string) => server.call("POST", `/api/v1/executions/${id}/${action}`);
    const pending = (await list(server, "?status=pending")).items;
    expect((await act(pending[0].id, "cancel")).json.status).toBe("cancelled");
    expect((await act(pending[1].id, "skip")).json.status).toBe("skipped");
    expect((await act(running.id, "skip")).status).toBe(409);
    expect((await act(running.id, "cancel")).json).toMatchObject({ status: "in_progress", cancelRequested: true });
    expect((await act(pending[0].id, "cancel")).status).toBe(409);
    expect((await act("unknown", "cancel")).status).toBe(404);
  });

  it("are moved to another lane once, while they are pending", async () => {
    const server = await serverWithExecutions(1);
    const [{ id }] = (await list(server)).items;
    const move = (json: object, which = id) => server.call("PATCH", `/api/v1/executions/${which}`, { json });
    expect((await move({ lane: "urgent" })).status).toBe(400);
    expect((await move({})).status).toBe(400);
    const { status, json } = await move({ lane: "high" });
    expect(status).toBe(200);
    expect(json).toMatchObject({ id, lane: "high", priority: 3, movedFrom: "regular", status: "pending" });
    const again = await move({ lane: "low" });
    expect([again.status, again.json.detail]).toEqual([
      409,
      expect.stringContaining("was moved already, from regular to high"),
    ]);
    expect((await move({ lane: "low" }, "unknown")).status).toBe(404);
  });

  it("tell what they wait for, and why a full queue skipped them, alone and in the list", async () => {
    const server = await serverWithExecutions(3, { concurrency: 1, queue: { limit: 2 } });
    const [skipped] = (await list(server, "?status=skipped")).items;
    expect(skipped.reason).toMatch(/queue of default\/hello was full: its manifest lets 2 wait/);
    const alone = async (id: string) => (await server.call("GET", `/api/v1/executions/${id}`)).json;
    expect(await alone(skipped.id)).toMatchObject({ status: "skipped", reason: skipped.reason, waitsFor: null });
    await claim(server);
    const [pending] = (await list(server, "?status=pending")).items;
    const wait = { kind: "concurrency", limit: 1, until: null, behind: null };
    expect(await alone(pending.id)).toMatchObject({ reason: null, waitsFor: wait });
  });

  it("are changed in bulk by a filter that names something, with counts", async () => {
    const server = await serverWithExecutions(4);
    await finish(server, await claim(server));
    const bulk = (json: object) => server.call("POST", "/api/v1/executions/bulk", { json });
    expect((await bulk({ filter: {}, action: "cancel" })).status).toBe(400);
    const all = { filter: { service: "default/hello" }, action: "cancel" };
    expect((await bulk({ ...all, confirm: false })).json).toEqual({ matched: 4, done: 0, refused: 0, more: false });
    expect((await bulk(all)).json).toEqual({ matched: 4, done: 3, refused: 1, more: false });
    expect((await bulk({ filter: { status: ["cancelled"] }, action: "retry" })).json).toMatchObject({
      matched: 3,
      done: 3,
    });
    expect((await list(server, "?status=pending")).items).toHaveLength(3);
  });
});

describe("output and logs", () => {
  it("give the whole output as bytes, and parts of it by Range or from and to", async () => {
    const server = await serverWithExecutions(1);
    const execution = await claim(server);
    const bytes = Uint8Array.of(104, 105, 255, 0, 10);
    await write(server, execution.id, 1, bytes.subarray(0, 2));
    await write(server, execution.id, 2, bytes.subarray(2));
    await finish(server, execution, 5);
    const get = async (query = "", headers: Record<string, string> = {}) => {
      const url = `/api/v1/executions/${execution.id}/steps/1/output${query}`;
      return server.app.inject({ url, headers: { authorization: `Bearer ${testToken}`, ...headers } });
    };
    const whole = await get();
    expect([whole.statusCode, whole.headers["content-type"], [...whole.rawPayload]]).toEqual([
      200,
      "application/octet-stream",
      [...bytes],
    ]);
    const ranges: [string, Record<string, string>, number[], string][] = [
      ["", { range: "bytes=1-2" }, [105, 255], "bytes 1-2/5"],
      ["", { range: "bytes=3-" }, [0, 10], "bytes 3-4/5"],
      ["", { range: "bytes=-2" }, [0, 10], "bytes 3-4/5"],
      ["", { range: "bytes=0-99" }, [...bytes], "bytes 0-4/5"],
      ["?from=1&to=3", {}, [105, 255], "bytes 1-2/5"],
    ];
    for (const [query, headers, expected, range] of ranges) {
      const part = await get(query, headers);
      expect([part.statusCode, [...part.rawPayload], part.headers["content-range"]]).toEqual([206, expected, range]);
    }
    expect((await get("", { range: "bytes=9-" })).statusCode).toBe(416);
    expect((await get("?from=9")).statusCode).toBe(416);
    expect((await server.call("GET", `/api/v1/executions/${execution.id}/steps/2/output`)).status).toBe(404);
  });

  it("wait for what an ended run wrote and the sink has not stored yet", async () => {
    const server = await serverWithExecutions(1);
    const execution = await claim(server);
    await finish(server, execution, 4);
    const output = server.call("GET", `/api/v1/executions/${execution.id}/steps/1/output`);
    const logs = server.call("GET", `/api/v1/executions/${execution.id}/logs`);
    await write(server, execution.id, 1, "late");
    expect((await output).text).toBe("late");
    expect((await logs).json.items).toMatchObject([{ text: "late", stream: "stdout", script: "main.py", seq: 1 }]);
  });

  it("page the logs in order", async () => {
    const server = await serverWithExecutions(1);
    const execution = await claim(server);
    for (const seq of [1, 2, 3]) await write(server, execution.id, seq, `line ${seq}\n`);
    const logs = `/api/v1/executions/${execution.id}/logs`;
    const first = (await server.call("GET", `${logs}?limit=2`)).json;
    expect(first).toMatchObject({ items: [{ text: "line 1\n" }, { text: "line 2\n" }], next: "1-2" });
    const last = (await server.call("GET", `${logs}?limit=2&after=${first.next}`)).json;
    expect(last).toMatchObject({ items: [{ text: "line 3\n" }], next: null });
    expect((await server.call("GET", `${logs}?after=x`)).status).toBe(400);
  });

  it("stream the logs live while it runs, and end with it", async () => {
    const server = await serverWithExecutions(1);
    const execution = await claim(server);
    await write(server, execution.id, 1, "first");
    const response = await fetch(`${server.url}/api/v1/executions/${execution.id}/logs`, {
      headers: { authorization: `Bearer ${testToken}`, accept: "text/event-stream" },
    });
    const reader = (response.body as ReadableStream<Uint8Array>).getReader();
    const decoder = new TextDecoder();
    let text = "";
    const until = async (part: string) => {
      for (;;) {
        if (text.includes(part)) return;
        const { value, done } = await reader.read();
        if (done) throw new Error(`the stream ended without ${part}: ${text}`);
        text += decoder.decode(value, { stream: true });
      }
    };
    await until("first");
    await write(server, execution.id, 2, "second");
    await until("second");
    await finish(server, execution, 11);
    await until('event: end\ndata: {"status":"completed"}');
    expect((await reader.read()).done).toBe(true);
    expect(text.match(/^id: .*$/gm)).toEqual(["id: 1-1", "id: 1-2"]);
  });
});

describe("flows and health", () => {
  it("show a flow as a tree: events, the executions they started, and what those emitted", async () => {
    const server = await serverWithExecutions(1);
    const execution = await claim(server);
    const { encodeRecord } = await import("../../../src/events/bus-binding.ts");
    const emitted = {
      specversion: "1.0" as const,
      id: "e",
      source: "/s",
      type: "go",
      correlationid: "flow",
      fxexecution: execution.id,
    };
    await server.bus.publish([encodeRecord("fx.events", emitted)]);
    const { json } = await eventually(async () => {
      const answer = await server.call("GET", "/api/v1/flows?correlationid=flow");
      return answer.json.executions.length === 2 && answer;
    });
    const [root, child] = json.events.map(({ key }: { key: string }) => key);
    const [first, second] = json.executions.map(({ id }: { id: string }) => id);
    expect(first).toBe(execution.id);
    expect(json.tree).toEqual([
      {
        eventKey: root,
        executions: [
          {
            executionId: first,
            events: [{ eventKey: child, executions: [{ executionId: second, events: [] }], mapped: [] }],
          },
        ],
        mapped: [],
      },
    ]);
    expect(json.truncated).toBe(false);
    const none = await server.call("GET", "/api/v1/flows?correlationid=none");
    expect(none.json).toMatchObject({ events: [], executions: [], tree: [] });
  });

  it("tell alive from ready, part by part, and name what is wrong", async () => {
    let trouble: string | undefined;
    const server = await startApiServer({ health: () => ({ launcher: trouble }) });
    const get = async (target: string) => {
      const response = await fetch(server.url + target, { headers: { authorization: `Bearer ${testToken}` } });
      return { status: response.status, json: (await response.json()) as object };
    };
    expect(await get("/readyz")).toMatchObject({
      status: 200,
      json: { status: "ready", parts: { bus: "well", catalog: "well", launcher: "well" } },
    });
    trouble = "does not answer";
    expect(await get("/readyz")).toMatchObject({
      status: 503,
      json: { code: "unavailable", problems: [{ path: "launcher", message: "does not answer" }] },
    });
    expect((await get("/healthz")).status).toBe(200);
    const untold = await fetch(`${server.url}/readyz`);
    expect(untold.status).toBe(503);
    const text = await untold.text();
    expect(text).toContain("launcher");
    expect(text).not.toContain("does not answer");
  });

  it("count what was accepted, routed and run, for Prometheus", async () => {
    const server = await serverWithExecutions(2);
    await finish(server, await claim(server));
    const { text, headers } = await server.call("GET", "/metrics");
    expect(headers.get("content-type")).toContain("text/plain");
    expect(text).toContain("fx_events_accepted_total 2");
    expect(text).toContain('fx_events_routed{topic="fx.events",outcome="matched"} 2');
    expect(text).toContain('fx_executions{status="completed"} 1');
    expect(text).toContain('fx_executions{status="pending"} 1');
    expect(text).toContain('fx_bus_lag_events{topic="fx.events"} 0');
    expect(text).toMatch(
      /fx_http_request_duration_seconds_count\{method="POST",route="\/api\/v1\/events",status="202"\} 2/,
    );
  });
});
