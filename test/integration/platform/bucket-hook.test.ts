import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { fx } from "../../support/cli.ts";
import { TestPlatform } from "../../support/platform.ts";

let platform: TestPlatform;
beforeAll(async () => {
  platform = await TestPlatform.start();
});
afterAll(() => platform.stop());

interface NewWebhook {
  id: string;
  name: string;
  token: string;
}

interface Told {
  keys: string[];
  passedOver: number;
}

let hooks = 0;

async function makeWebhook(project?: string): Promise<NewWebhook> {
  hooks += 1;
  const json = { name: `bucket-${hooks}`, project };
  const { status, body } = await platform.request<NewWebhook>("POST", "/api/v1/webhooks", { json });
  expect(status).toBe(201);
  return body;
}

function notify(authorization: string | undefined, body: unknown): Promise<Response> {
  const headers = {
    "content-type": "application/json; charset=utf-8",
    ...(authorization === undefined ? {} : { authorization }),
  };
  return fetch(`${platform.url}/hooks/s3`, { method: "POST", headers, body: JSON.stringify(body) });
}

async function told(answer: Response): Promise<Told> {
  expect(answer.status).toBe(202);
  return (await answer.json()) as Told;
}

const record = (key: string, object: object = {}, eventName = "ObjectCreated:Put") => ({
  eventName,
  eventTime: "2026-01-31T12:00:00.000Z",
  s3: { bucket: { name: "inbox" }, object: { key, size: 5, eTag: "5d41402a", sequencer: "0055AED6", ...object } },
});

const bearer = ({ token }: NewWebhook) => `Bearer ${token}`;

describe("POST /hooks/s3", () => {
  it("starts the linked service with the object that was put", async () => {
    const webhook = await makeWebhook();
    await platform.deploy("on-upload", {
      "main.py":
        "from fx_ef import context\np = context.params\nprint(p['bucket'], p['path'], p['sizeBytes'], p['etag'])\n",
      "manifest.json": JSON.stringify({
        trigger_events: [{ type: "fx.file.uploaded", filter: `event.source == "/webhooks/${webhook.name}"` }],
      }),
    });
    const { keys } = await told(await notify(bearer(webhook), { Records: [record("orders/a+b.json")] }));
    expect(await platform.event(keys[0] as string)).toMatchObject({ outcome: "matched" });
    const [run] = await platform.settled(1, "&service=default/on-upload");
    expect(await platform.outputs(run?.id ?? "")).toEqual(["inbox orders/a b.json 5 5d41402a\n"]);
  });

  it("makes an event of each record of a batch, and passes over what was removed", async () => {
    const webhook = await makeWebhook();
    const Records = [record("one"), record("gone", {}, "ObjectRemoved:Delete"), record("two")];
    const { keys, passedOver } = await told(await notify(bearer(webhook), { Records }));
    expect(passedOver).toBe(1);
    const events = await Promise.all(
      keys.map((key) => platform.request("GET", `/api/v1/events/${key}?wait=10000`).then(({ body }) => body)),
    );
    expect(events).toMatchObject([{ event: { subject: "one" } }, { event: { subject: "two" } }]);
  });

  it("makes one event of an object that is told of twice, and another of the same key put again", async () => {
    const webhook = await makeWebhook();
    const tell = async (object: object) =>
      (await told(await notify(bearer(webhook), { Records: [record("twice", object)] }))).keys[0];
    const first = await tell({});
    expect(await tell({})).toBe(first);
    const others = [
      await tell({ sequencer: "0055AED7" }),
      await tell({ versionId: "2" }),
      await tell({ eTag: "other" }),
    ];
    expect(new Set([first, ...others]).size).toBe(4);
  });

  it("knows a webhook by its token in the header only, as Bearer or as a password (rule S6)", async () => {
    const webhook = await makeWebhook();
    const basic = (password: string) => `Basic ${Buffer.from(`any:${password}`).toString("base64")}`;
    expect((await notify(basic(webhook.token), { Records: [] })).status).toBe(202);
    for (const wrong of [undefined, "Bearer other", basic("other"), "Basic", `Digest ${webhook.token}`, "Bearer "]) {
      const answer = await notify(wrong, { Records: [record("refused")] });
      expect([wrong, answer.status]).toEqual([wrong, 401]);
    }
    await platform.request("PATCH", `/api/v1/webhooks/${webhook.id}`, { json: { active: false } });
    expect((await notify(bearer(webhook), { Records: [] })).status).toBe(401);
  });

  it("is seen by its project's services only", async () => {
    await platform.request("POST", "/api/v1/projects", { json: { name: "shop" } });
    const webhook = await makeWebhook("shop");
    const { keys } = await told(await notify(bearer(webhook), { Records: [record("of-shop")] }));
    const { body } = await platform.request("GET", `/api/v1/events/${keys[0]}?wait=10000`);
    expect(body).toMatchObject({ event: { fxproject: "shop" } });
  });

  it("refuses a batch as a whole where one record is bad, and tells the place", async () => {
    const webhook = await makeWebhook();
    const answer = await notify(bearer(webhook), { Records: [record("good"), { eventName: "ObjectCreated:Put" }] });
    expect(answer.status).toBe(400);
    expect(await answer.json()).toMatchObject({
      problems: expect.arrayContaining([{ path: "Records[1].s3", message: expect.any(String) }]),
    });
  });

  it("is told what it needs on the command line, its token shown once and in no address", async () => {
    const options = { url: platform.url };
    const added = await fx(["hooks", "add", "by-hand", "--bucket"], options);
    expect([added.code, added.out.trim()]).toEqual([0, expect.stringMatching(/^[\w-]{43}$/)]);
    expect(added.talk).toContain(`${platform.url}/hooks/s3`);
    expect(added.talk).not.toContain(added.out.trim());
    expect((await notify(`Bearer ${added.out.trim()}`, { Records: [] })).status).toBe(202);
    const rotated = await fx(["hooks", "rotate", "by-hand", "--bucket"], options);
    expect((await notify(`Bearer ${added.out.trim()}`, { Records: [] })).status).toBe(401);
    expect((await notify(`Bearer ${rotated.out.trim()}`, { Records: [] })).status).toBe(202);
  });
});
