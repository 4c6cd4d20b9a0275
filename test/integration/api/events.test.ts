import { emitterFor, httpTransport, Mode, CloudEvent as SdkEvent } from "cloudevents";
import { describe, expect, it } from "vitest";
import { eventKeyOf } from "../../../src/events/event-key.ts";
import { startApiServer, testToken } from "../../support/api-server.ts";
import { eventually } from "../../support/eventually.ts";

const event = { specversion: "1.0", id: "1", source: "/shop", type: "order.placed", data: { total: 7 } };
const structured = { "content-type": "application/cloudevents+json" };
const batched = { "content-type": "application/cloudevents-batch+json" };

type Server = Awaited<ReturnType<typeof startApiServer>>;

function send({ call }: Server, ...events: unknown[]) {
  return events.length === 1
    ? call("POST", "/api/v1/events", { body: JSON.stringify(events[0]), headers: structured })
    : call("POST", "/api/v1/events", { body: JSON.stringify(events), headers: batched });
}

async function onBus({ bus }: Server): Promise<Record<string, unknown>[]> {
  const found: Record<string, unknown>[] = [];
  for (const { partition, earliest, next } of await bus.offsets("fx.events")) {
    for (const { value } of await bus.peek("fx.events", partition, earliest, next - earliest)) {
      found.push(JSON.parse(Buffer.from(value).toString()));
    }
  }
  return found;
}

function sumOf({ partitions }: { partitions: Record<string, number>[] }, name: string): number {
  return partitions.reduce((total, account) => total + (account[name] ?? 0), 0);
}

describe("POST /events", () => {
  it("answers 202 with a key once the event is on the bus, with a flow and a time", async () => {
    const server = await startApiServer();
    const { status, json } = await send(server, event);
    expect(status).toBe(202);
    expect(json).toEqual({ accepted: [{ key: eventKeyOf(event), id: "1", source: "/shop", duplicate: false }] });
    const [stored] = await onBus(server);
    expect(stored).toMatchObject({ ...event, sequence: "0" });
    expect(stored?.correlationid).toMatch(/^[\w-]{43}$/);
    expect(Date.parse(String(stored?.time))).toBeGreaterThan(0);
  });

  it("keeps the flow and time that were given, and the bytes of data", async () => {
    const server = await startApiServer();
    const given = { ...event, correlationid: "flow-1", sequence: "3", time: "2026-01-31T12:00:00Z", note: "a}b" };
    await send(server, given);
    await server.call("POST", "/api/v1/events", {
      body: '{ "id":"2","specversion":"1.0", "source":"/shop","type":"a", "data": {"brace": "}", "n": 1.0 } \n}\n',
      headers: structured,
    });
    const [first, second] = (await onBus(server)).sort((a, b) => (String(a.id) < String(b.id) ? -1 : 1));
    expect(first).toEqual(given);
    expect(second).toMatchObject({ id: "2", data: { brace: "}", n: 1 }, sequence: "0" });
  });

  it("takes what the CloudEvents SDK sends, in both modes", async () => {
    const server = await startApiServer({ routed: true });
    for (const mode of [Mode.BINARY, Mode.STRUCTURED]) {
      const emit = emitterFor(httpTransport(`${server.url}/api/v1/events`), { mode });
      await emit(new SdkEvent({ ...event, id: mode, subject: "Käse 100%" }), {
        headers: { authorization: `Bearer ${testToken}` },
      });
    }
    const { json } = await eventually(async () => {
      const page = await server.call("GET", "/api/v1/events");
      return page.json.items.length === 2 && page;
    });
    for (const item of json.items) expect(item.event).toMatchObject({ type: "order.placed", data: { total: 7 } });
    expect(json.items.map((item: { event: { id: string } }) => item.event.id).sort()).toEqual(["binary", "structured"]);
  });

  it("D16: takes all of a batch or nothing, and names each bad event", async () => {
    const server = await startApiServer();
    const { status, json } = await send(server, event, { ...event, id: "2", type: "" }, { ...event, id: 3 });
    expect(status).toBe(400);
    expect(json.problems.map(({ path }: { path: string }) => path)).toEqual(["[1].type", "[2].id"]);
    expect(await onBus(server)).toEqual([]);

    const good = await send(server, event, { ...event, id: "2" }, { ...event, id: "3" });
    expect(good.json.accepted.map(({ id }: { id: string }) => id)).toEqual(["1", "2", "3"]);
    expect(await onBus(server)).toHaveLength(3);
  });

  it("D16: hints at repeats, also after routing, and says when they differ", async () => {
    const server = await startApiServer({ routed: true });
    const answers = await send(server, event, event, { ...event, data: { total: 8 } });
    expect(answers.json.accepted.map(({ key, id, source, ...hint }: Record<string, unknown>) => hint)).toEqual([
      { duplicate: false },
      { duplicate: true },
      { duplicate: true, differs: true },
    ]);
    expect((await send(server, event)).json.accepted[0]).toMatchObject({ duplicate: true });
    const { json } = await server.call("GET", `/api/v1/events/${eventKeyOf(event)}?wait=10000`);
    expect(json).toMatchObject({ outcome: "unmatched", event: { data: { total: 7 } } });
    const reconciled = await eventually(async () => {
      const { json } = await server.call("GET", "/api/v1/ledger/reconcile");
      return json.pending === 0 && json;
    });
    expect(reconciled.balanced).toBe(true);
    expect(["unmatched", "duplicate", "rejected"].map((outcome) => sumOf(reconciled, outcome))).toEqual([1, 2, 1]);
  });

  it.each([
    ["a type of the platform", { type: "fx.service.run_requested" }, "type"],
    ["a type of the platform in capitals", { type: "FX.service.run_requested" }, "type"],
    ["the bare prefix", { type: "fx" }, "type"],
    ["an attribute of the platform", { fxexecution: "x" }, "fxexecution"],
  ])("D3: refuses %s", async (_name, change, path) => {
    const server = await startApiServer();
    const one = await send(server, { ...event, ...change });
    expect(one).toMatchObject({ status: 403, json: { code: "forbidden", problems: [{ path }] } });
    const many = await send(server, event, { ...event, id: "2", ...change });
    expect(many).toMatchObject({ status: 403, json: { code: "forbidden", problems: [{ path: `[1].${path}` }] } });
    expect(await onBus(server)).toEqual([]);
  });

  it("D19: refuses an event for a project that does not exist", async () => {
    const server = await startApiServer();
    const own = { ...event, fxproject: "shop" };
    expect(await send(server, own)).toMatchObject({ status: 400, json: { problems: [{ path: "fxproject" }] } });
    await server.call("POST", "/api/v1/projects", { json: { name: "shop" } });
    expect((await send(server, own)).status).toBe(202);
  });

  it("answers plain JSON with 415 and what would be right", async () => {
    const { call } = await startApiServer();
    const { status, json } = await call("POST", "/api/v1/events", { json: event });
    expect(status).toBe(415);
    expect(json.detail).toContain("application/cloudevents+json");
  });

  it("answers an event over 4 MiB and a body of 20 MiB with 413, a batch over the limit with 400", async () => {
    const server = await startApiServer({ limits: { batchEvents: 2 } });
    const large = await send(server, { ...event, data: "x".repeat(4 * 1024 * 1024) });
    expect(large).toMatchObject({ status: 413, json: { code: "limit-exceeded" } });
    const huge = await send(server, { ...event, data: "x".repeat(20 * 1024 * 1024) });
    expect(huge).toMatchObject({ status: 413, json: { code: "limit-exceeded" } });
    const many = await send(server, event, { ...event, id: "2" }, { ...event, id: "3" });
    expect(many).toMatchObject({ status: 400, json: { code: "invalid-input" } });
    expect((await send(server, { ...event, data: "x".repeat(1024 * 1024) })).status).toBe(202);
    expect(await onBus(server)).toHaveLength(1);
  });

  it("answers 413 also to a sender that writes all of its 20 MiB before it reads", async () => {
    const { url } = await startApiServer();
    const { connect } = await import("node:net");
    const { hostname, port } = new URL(url);
    for (const framing of ["content-length", "chunked"] as const) {
      const socket = connect(Number(port), hostname);
      const body = Buffer.alloc(20 * 1024 * 1024, "x");
      const length = framing === "chunked" ? "transfer-encoding: chunked" : `content-length: ${body.length}`;
      const head = `POST /api/v1/events HTTP/1.1\r\nhost: ${hostname}\r\nconnection: close\r\nauthorization: Bearer ${testToken}\r\ncontent-type: application/cloudevents+json\r\n${length}\r\n\r\n`;
      const chunk = framing === "chunked" ? [`${body.length.toString(16)}\r\n`, body, "\r\n0\r\n\r\n"] : [body];
      socket.pause();
      await new Promise<void>((resolve, reject) => {
        socket.on("error", reject);
        socket.write(Buffer.concat([head, ...chunk].map((part) => Buffer.from(part))), () => resolve());
      });
      const answer = await new Promise<string>((resolve) =>
        socket.resume().once("data", (data) => resolve(String(data))),
      );
      expect(answer).toMatch(/^HTTP\/1.1 413 /);
      socket.destroy();
    }
  });

  it("refuses a body that is compressed, which it would not read as what it is", async () => {
    const { call } = await startApiServer();
    const headers = { ...structured, "content-encoding": "gzip" };
    expect(await call("POST", "/api/v1/events", { body: JSON.stringify(event), headers })).toMatchObject({
      status: 415,
    });
  });

  it("takes a thousand events that come at once, each exactly once", async () => {
    const server = await startApiServer({ routed: true });
    const answers = await Promise.all(
      Array.from({ length: 1000 }, (_, index) => send(server, { ...event, id: String(index % 900) })),
    );
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([202]));
    const totals = await eventually(async () => {
      const { json } = await server.call("GET", "/api/v1/ledger/reconcile");
      return json.pending === 0 && json;
    });
    expect([sumOf(totals, "unmatched"), sumOf(totals, "duplicate"), totals.balanced]).toEqual([900, 100, true]);
  });
});

describe("GET /events", () => {
  it("shows an accepted event as pending until it is routed, and knows no others", async () => {
    const server = await startApiServer();
    await send(server, event);
    const { json } = await server.call("GET", `/api/v1/events/${eventKeyOf(event)}`);
    expect(json).toMatchObject({ outcome: "pending", event, links: [] });
    expect(await server.call("GET", "/api/v1/events/unknown")).toMatchObject({
      status: 404,
      json: { code: "not-found" },
    });
  });

  it("finds a pending event that another process accepted, on the bus", async () => {
    const server = await startApiServer();
    const { encodeRecord } = await import("../../../src/events/bus-binding.ts");
    await server.bus.publish([encodeRecord("fx.events", { ...event, specversion: "1.0" })]);
    const { json } = await server.call("GET", `/api/v1/events/${eventKeyOf(event)}`);
    expect(json).toMatchObject({ outcome: "pending", event });
  });

  it("lists by filter, newest first, page after page", async () => {
    const server = await startApiServer({ routed: true });
    for (let id = 1; id <= 5; id += 1) {
      const one = { ...event, id: String(id), type: id % 2 ? "odd" : "even", correlationid: `flow-${id}` };
      await send(server, one);
      await server.call("GET", `/api/v1/events/${eventKeyOf(one)}?wait=10000`);
    }
    const idsOf = ({ json }: { json: { items: { event: { id: string } }[] } }) =>
      json.items.map(({ event }) => event.id);
    const first = await server.call("GET", "/api/v1/events?limit=2");
    expect(idsOf(first)).toEqual(["5", "4"]);
    const second = await server.call("GET", `/api/v1/events?limit=2&after=${encodeURIComponent(first.json.next)}`);
    expect(idsOf(second)).toEqual(["3", "2"]);
    const last = await server.call("GET", `/api/v1/events?limit=2&after=${encodeURIComponent(second.json.next)}`);
    expect(idsOf(last)).toEqual(["1"]);
    expect(last.json.next).toBeNull();
    expect(idsOf(await server.call("GET", "/api/v1/events?type=even"))).toEqual(["4", "2"]);
    expect(idsOf(await server.call("GET", "/api/v1/events?correlationid=flow-3"))).toEqual(["3"]);
    expect(idsOf(await server.call("GET", "/api/v1/events?outcome=matched"))).toEqual([]);
    expect(idsOf(await server.call("GET", "/api/v1/events?id=2&source=/shop"))).toEqual(["2"]);
    expect(idsOf(await server.call("GET", "/api/v1/events?to=2020-01-01T00:00:00Z"))).toEqual([]);
  });

  it("streams events as they are routed, resumes after Last-Event-ID, and ends when the server closes", async () => {
    const server = await startApiServer({ routed: true });
    const stream = async (headers: Record<string, string> = {}, query = "") => {
      const response = await fetch(`${server.url}/api/v1/events${query}`, {
        headers: { authorization: `Bearer ${testToken}`, accept: "text/event-stream", ...headers },
      });
      expect(response.headers.get("content-type")).toBe("text/event-stream");
      const reader = (response.body as ReadableStream<Uint8Array>).getReader();
      const decoder = new TextDecoder();
      let text = "";
      return {
        async until(part: string): Promise<string> {
          while (!text.includes(part)) {
            const { value, done } = await reader.read();
            if (done) throw new Error(`the stream ended without ${part}: ${text}`);
            text += decoder.decode(value, { stream: true });
          }
          return text;
        },
        async ended(): Promise<void> {
          while (!(await reader.read()).done);
        },
      };
    };
    const live = await stream();
    const filtered = await stream({}, "?type=wanted");
    await live.until(": open");
    await filtered.until(": open");
    await send(server, event);
    const text = await live.until("order.placed");
    const [, lastId] = /^id: (\d+)$/m.exec(text) ?? [];
    await send(server, { ...event, id: "2", type: "wanted" });
    await live.until("wanted");
    expect(await filtered.until("wanted")).not.toContain("order.placed");

    const resumed = await stream({ "last-event-id": lastId ?? "" });
    expect(await resumed.until("wanted")).not.toContain("order.placed");
    const closed = server.app.close();
    await Promise.all([live.ended(), resumed.ended(), filtered.ended(), closed]);
  });

  it("does not hold up the closing of the server with those who wait for an event", async () => {
    const server = await startApiServer();
    await send(server, event);
    const waiting = server.call("GET", `/api/v1/events/${eventKeyOf(event)}?wait=60000`);
    await eventually(() => server.bus.offsets("fx.events"));
    const closed = server.app.close();
    expect((await waiting.catch(() => ({ status: 0 }))).status).toBeLessThan(300);
    await closed;
  });
});
