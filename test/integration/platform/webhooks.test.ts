import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { fx, startFx } from "../../support/cli.ts";
import { eventually } from "../../support/eventually.ts";
import { TestPlatform } from "../../support/platform.ts";

let platform: TestPlatform;
beforeAll(async () => {
  platform = await TestPlatform.start();
});
afterAll(() => platform.stop());

interface NewWebhook {
  id: string;
  path: string;
}

async function makeWebhook(name: string, project?: string): Promise<NewWebhook> {
  const { status, body } = await platform.request<NewWebhook>("POST", "/api/v1/webhooks", { json: { name, project } });
  expect(status).toBe(201);
  return body;
}

function call(path: string, body: string | Uint8Array<ArrayBuffer>, headers: Record<string, string> = {}) {
  return fetch(`${platform.url}${path}`, { method: "POST", body, headers });
}

async function eventOf(answer: Response) {
  expect(answer.status).toBe(202);
  const { key } = (await answer.json()) as { key: string };
  const { body } = await platform.request<{ outcome: string; event: { type: string; subject: string; data: Data } }>(
    "GET",
    `/api/v1/events/${key}?wait=10000`,
  );
  return { key, ...body };
}

type Data = {
  headers: Record<string, string>;
  query: Record<string, string>;
  body?: unknown;
  text?: string;
  base64?: string;
};

describe("a webhook", () => {
  it("starts the linked service with what was posted, without a token of the platform", async () => {
    const { path } = await makeWebhook("orders");
    await platform.deploy("on-hook", {
      "main.py": "from fx_ef import context\nprint(context.params['body']['order'], context.event['subject'])\n",
      "manifest.json": JSON.stringify({
        trigger_events: [{ type: "fx.webhook.incoming", filter: 'event.subject == "orders"' }],
      }),
    });
    const { outcome } = await eventOf(await call(path, '{"order": 7}', { "content-type": "application/json" }));
    expect(outcome).toBe("matched");
    const [run] = await platform.settled(1, "&service=default/on-hook");
    expect(await platform.outputs(run?.id ?? "")).toEqual(["7 orders\n"]);
  });

  it("has a ledger row though nothing is linked to it (rule D15)", async () => {
    const { path } = await makeWebhook("unlinked");
    expect(await eventOf(await call(path, "hello", { "content-type": "text/plain" }))).toMatchObject({
      outcome: "unmatched",
      event: { type: "fx.webhook.incoming", subject: "unlinked", data: { text: "hello", webhook: "unlinked" } },
    });
  });

  it("carries bytes as base64 and the query; what opens doors elsewhere is left out", async () => {
    const { path } = await makeWebhook("bytes");
    const headers = {
      "content-type": "application/octet-stream",
      authorization: "Bearer mine",
      cookie: "session=mine",
      "x-api-key": "mine",
      "x-event": "push",
    };
    const { event } = await eventOf(
      await call(`${path}?ref=main&token=mine&access_token=mine&hub.Api_Key=mine`, new Uint8Array([255, 0]), headers),
    );
    expect(event.data.query).toEqual({ ref: "main" });
    expect(event.data).toMatchObject({ base64: "/wA=", headers: { "x-event": "push" } });
    expect(JSON.stringify(event)).not.toContain("mine");
    expect(JSON.stringify(event)).not.toContain(path.slice("/hooks/".length));
  });

  it("D17: refuses another body under the number of a delivery, says so of a repeat, and lets its headers differ", async () => {
    const { path } = await makeWebhook("numbered");
    const headers = { "content-type": "application/json", "idempotency-key": "42" };
    const first = (await (await call(path, '{"n": 1}', { ...headers, "x-signature": "a" })).json()) as { key: string };
    expect(first).toMatchObject({ duplicate: false });
    const refused = await call(path, '{"n": 2}', headers);
    expect(refused.status).toBe(409);
    expect(await refused.json()).toMatchObject({
      code: "conflict",
      detail: expect.stringMatching(/"42" is the number of another delivery .*idempotency-key/),
    });
    const { body } = await platform.request("GET", `/api/v1/events/${first.key}?wait=10000`);
    expect(body).toMatchObject({ event: { data: { body: { n: 1 } } } });
    const again = await call(path, '{"n": 1}', { ...headers, "x-signature": "b" });
    expect([again.status, await again.json()]).toEqual([202, { key: first.key, duplicate: true }]);
    expect((await call(`${path}?to=all`, '{"n": 1}', headers)).status).toBe(409);
  });

  it("D10: rejects one of two deliveries with one number that come at the same moment", async () => {
    const { path } = await makeWebhook("at-once");
    const headers = { "content-type": "application/json", "idempotency-key": "43" };
    const answers = await Promise.all([1, 2].map((n) => call(path, `{"n": ${n}}`, headers)));
    const taken = answers.filter(({ status }) => status === 202).length;
    const listed = await eventually(async () => {
      const { body } = await platform.request<{ items: { outcome: string }[] }>(
        "GET",
        "/api/v1/events?type=fx.webhook.incoming&source=/webhooks/at-once",
      );
      return body.items.length === taken && body.items;
    });
    expect(listed.filter(({ outcome }) => outcome !== "rejected")).toHaveLength(1);
  });

  it("makes one event of a delivery that comes twice", async () => {
    const { path } = await makeWebhook("twice");
    const headers = { "content-type": "application/json", "x-github-delivery": "72d3162e" };
    const first = await eventOf(await call(path, "{}", headers));
    const second = await eventOf(await call(path, "{}", headers));
    const other = await eventOf(await call(path, "{}", { ...headers, "x-github-delivery": "72d3162f" }));
    expect(second.key).toBe(first.key);
    expect(other.key).not.toBe(first.key);
  });

  it("is seen by its project's services only", async () => {
    await platform.request("POST", "/api/v1/projects", { json: { name: "shop" } });
    const { path } = await makeWebhook("of-shop", "shop");
    const { event } = await eventOf(await call(path, ""));
    expect(event).toMatchObject({ fxproject: "shop" });
    const unknown = await platform.request("POST", "/api/v1/webhooks", { json: { name: "none", project: "none" } });
    expect(unknown.status).toBe(404);
  });

  it("answers 404 to a token that is wrong, rotated, switched off or deleted", async () => {
    const { id, path } = await makeWebhook("closing");
    expect((await call("/hooks/not-a-token", "")).status).toBe(404);
    const rotated = await platform.request<NewWebhook>("POST", `/api/v1/webhooks/${id}/rotate`);
    expect((await call(path, "")).status).toBe(404);
    expect((await call(rotated.body.path, "")).status).toBe(202);
    await platform.request("PATCH", `/api/v1/webhooks/${id}`, { json: { active: false } });
    expect((await call(rotated.body.path, "")).status).toBe(404);
    await platform.request("PATCH", `/api/v1/webhooks/${id}`, { json: { active: true } });
    expect((await call(rotated.body.path, "")).status).toBe(202);
    expect((await platform.request("DELETE", `/api/v1/webhooks/${id}`)).status).toBe(204);
    expect((await call(rotated.body.path, "")).status).toBe(404);
  });

  it("refuses what calls itself JSON and is not", async () => {
    const { path } = await makeWebhook("broken");
    const answer = await call(path, "{", { "content-type": "application/json" });
    expect([answer.status, ((await answer.json()) as { detail: string }).detail]).toEqual([
      400,
      expect.stringContaining("is not JSON"),
    ]);
  });

  it("is made, listed, rotated and removed on the command line, its address shown once", async () => {
    const options = { url: platform.url };
    const added = await fx(["hooks", "add", "by-hand"], options);
    expect([added.code, added.out.trim()]).toEqual([0, expect.stringMatching(/^http:.*\/hooks\/[\w-]{43}$/)]);
    expect((await fetch(added.out.trim(), { method: "POST" })).status).toBe(202);
    const listed = await fx(["hooks"], options);
    expect(listed.out).toContain("by-hand");
    expect(listed.out).not.toContain(added.out.trim().slice(-43));
    expect((await fx(["hooks", "rotate", "by-hand"], options)).code).toBe(0);
    expect((await fetch(added.out.trim(), { method: "POST" })).status).toBe(404);
    expect((await fx(["hooks", "remove", "by-hand"], options)).code).toBe(0);
    expect(await fx(["hooks", "remove", "by-hand"], options)).toMatchObject({ code: 3 });
  });
});

describe("fx listen", () => {
  it("posts the events of the wanted types to an address, and tries again while nobody answers there", async () => {
    const got: { type: string; id: string }[] = [];
    let refusals = 1;
    const server = createServer((request, response) => {
      let text = "";
      request.on("data", (chunk) => {
        text += chunk;
      });
      request.on("end", () => {
        if (refusals > 0) {
          refusals -= 1;
          response.writeHead(503).end();
          return;
        }
        got.push(JSON.parse(text));
        response.writeHead(204).end();
      });
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    onTestFinished(() => void server.close());
    const target = `http://127.0.0.1:${(server.address() as AddressInfo).port}/events`;
    const listening = startFx(["listen", "parcel.*", "--forward-to", target], { url: platform.url });
    await eventually(async () => listening.talk.includes("forwarding"));
    let n = 0;
    await eventually(async () => {
      n += 1;
      await platform.send({ type: "letter.sent", id: `l${n}` }, { type: "parcel.sent", id: `p${n}` });
      return got.length > 0;
    });
    expect(new Set(got.map(({ type }) => type))).toEqual(new Set(["parcel.sent"]));
    await eventually(async () => listening.out.includes("204"));
  });
});
