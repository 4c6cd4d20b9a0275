import { createHmac } from "node:crypto";
import { once } from "node:events";
import { createServer, type IncomingHttpHeaders, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { fx, root } from "../support/cli.ts";
import { eventually } from "../support/eventually.ts";
import { MailServer } from "../support/mail-server.ts";
import { TestPlatform } from "../support/platform.ts";

interface Post {
  path: string;
  headers: IncomingHttpHeaders;
  body: string;
}

let platform: TestPlatform;
let web: Server;
const mails = new MailServer();
const posts: Post[] = [];
/** Paths that are answered with an error, so many times. */
const failing = new Map<string, number>();

beforeAll(async () => {
  web = createServer(async (request, response) => {
    let body = "";
    for await (const piece of request.setEncoding("utf8")) body += piece;
    const path = request.url ?? "";
    const failures = failing.get(path) ?? 0;
    failing.set(path, failures - 1);
    if (failures <= 0) posts.push({ path, headers: request.headers, body });
    response.writeHead(failures > 0 ? 503 : 204).end();
  });
  web.listen(0, "127.0.0.1");
  await once(web, "listening");
  const mailPort = await mails.start();
  platform = await TestPlatform.start({ alertsEveryMs: 50 });
  await fx(["deploy", join(root, "examples/alerts")], platform);
  const url = `http://127.0.0.1:${(web.address() as AddressInfo).port}`;
  const configuration = {
    ...{ webhook_url: `${url}/hook`, mail_host: "127.0.0.1", mail_port: mailPort, mail_security: "none" },
    ...{ mail_from: "fx@shop.test", mail_to: ["ada@shop.test", "grace@shop.test"], least_severity: "warning" },
  };
  for (const [name, value] of Object.entries(configuration)) {
    await run(["config", "set", service, name, JSON.stringify(value)]);
  }
  const secrets = {
    CHAT_URL: `${url}/chat`,
    WEBHOOK_KEY: "a-key-of-the-shop",
    MAIL_USER: "fx",
    MAIL_PASSWORD: "let-me-in",
  };
  for (const [name, value] of Object.entries(secrets)) await run(["secrets", "set", service, name], value);
});
afterAll(async () => {
  await platform.stop();
  await mails.stop();
  web.close();
});

const service = "service:default/notify-alerts";

async function run(words: readonly string[], input = ""): Promise<void> {
  expect(await fx(words, { url: platform.url, input })).toMatchObject({ code: 0 });
}

async function watchSilence(name: string, severity: string): Promise<void> {
  const rule = { name, severity, description: "look at the pump", condition: { kind: "silence", type: name, for: 1 } };
  expect(await platform.request("POST", "/api/v1/alerts/rules", { json: rule })).toMatchObject({ status: 201 });
}

test("an alert reaches webhook, chat and mail once each, though the first try reaches only some; so does its end", async () => {
  failing.set("/chat", 1);
  await watchSilence("pump-beat", "critical");
  await eventually(() => expect([posts.length, mails.received.length]).toEqual([2, 1]));
  const [hook, chat] = ["/hook", "/chat"].map((path) => posts.find((post) => post.path === path));
  expect(JSON.parse(hook?.body ?? "")).toMatchObject({ type: "fx.alert.raised", data: { rule: "pump-beat" } });
  const signature = createHmac("sha256", "a-key-of-the-shop")
    .update(hook?.body ?? "")
    .digest("hex");
  expect(hook?.headers).toMatchObject({
    "content-type": "application/cloudevents+json",
    "idempotency-key": JSON.parse(hook?.body ?? "").id,
    "x-signature-256": `sha256=${signature}`,
  });
  expect(JSON.parse(chat?.body ?? "").text).toMatch(/^\*\[CRITICAL\] pump-beat: pump-beat\*\nno event of the type/);
  expect(mails.received[0]).toMatchObject({
    login: "fx:let-me-in",
    from: "fx@shop.test",
    to: ["ada@shop.test", "grace@shop.test"],
    text: expect.stringMatching(
      /Subject: \[CRITICAL\] pump-beat: pump-beat\n[\s\S]*\n\nno event of.*\nlook at the pump\n/,
    ),
  });
  await platform.request("PATCH", `/api/v1/alerts/rules/${await idOf("pump-beat")}`, { json: { active: false } });
  const told = await eventually(() => {
    const resolved = mails.received.filter(({ text }) => text.includes("[RESOLVED]"));
    return resolved.length > 0 && resolved;
  });
  await platform.settled(2, "&service=default/notify-alerts");
  expect(mails.received).toHaveLength(2);
  expect(posts.map(({ path }) => path).sort()).toEqual(["/chat", "/chat", "/hook", "/hook"]);
  expect(told[0]?.text).toMatch(/In-Reply-To: <[\w-]+@alerts>/);
});

test("what is less severe than wanted is left out, and the run says so", async () => {
  const before = posts.length;
  await watchSilence("quiet-beat", "info");
  await eventually(async () => {
    const runs = await platform.settled(1, "&service=default/notify-alerts");
    const printed = (await Promise.all(runs.map(({ id }) => platform.outputs(id)))).flat();
    expect(printed).toContain("left out: info is less than warning\n");
    return true;
  });
  expect(posts.filter(({ body }) => body.includes("quiet-beat"))).toEqual([]);
  expect(posts.length).toBeGreaterThanOrEqual(before);
});

test.each(["mattermost", "teams"])("%s is written to as it reads", async (kind) => {
  await run(["config", "set", service, "chat_kind", JSON.stringify(kind)]);
  await watchSilence(`${kind}-beat`, "warning");
  const body = await eventually(
    () => posts.find((post) => post.path === "/chat" && post.body.includes(`${kind}-beat`))?.body,
  );
  const head = `[WARNING] ${kind}-beat: ${kind}-beat`;
  expect(JSON.parse(body)).toMatchObject(
    kind === "teams"
      ? {
          type: "message",
          attachments: [{ content: { type: "AdaptiveCard", body: [{ text: head }, {}, {}, {}, {}] } }],
        }
      : { text: expect.stringContaining(`**${head}**\n> no event`) },
  );
});

async function idOf(name: string): Promise<string | undefined> {
  const { body } = await platform.request<{ items: { id: string; name: string }[] }>("GET", "/api/v1/alerts/rules");
  return body.items.find((rule) => rule.name === name)?.id;
}
