import { readdirSync, readFileSync, statSync } from "node:fs";
import path from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { eventually } from "../../support/eventually.ts";
import { TestPlatform } from "../../support/platform.ts";

const planted = {
  fromFile: "from-file/ü+s3cr3t value",
  fromApi: "from-api-0123456789",
  fromScript: "from-script-&=9876543210",
};

let platform: TestPlatform;
beforeAll(async () => {
  platform = await TestPlatform.start();
});
afterAll(() => platform.stop());

/** Written apart from the code under test: what a person would search for. */
function wanted(secret: string): string[] {
  const bytes = Buffer.from(secret);
  const percent = encodeURIComponent(secret);
  const base64 = bytes.toString("base64");
  const inside = ["", "a", "ab"].map((before) => {
    const encoded = Buffer.from(`${before}${secret}`).toString("base64");
    return encoded.slice(4, Math.floor(((before.length + bytes.length) * 8) / 6));
  });
  return [secret, percent, percent.toLowerCase(), base64.replace(/=+$/, ""), bytes.toString("base64url"), ...inside];
}

function filesBelow(directory: string): string[] {
  return readdirSync(directory, { recursive: true, encoding: "utf8" })
    .map((name) => path.join(directory, name))
    .filter((file) => statSync(file, { throwIfNoEntry: false })?.isFile() ?? false);
}

const script = `
import base64, json, logging, subprocess, sys, time, traceback, urllib.parse
from fx_ef import context

names = ["fromFile", "fromApi", "fromScript"]
context.secrets.set("fromScript", context.params.get("hint") + "&=" + "9876543210", "service")
for name in names:
    value = context.secrets.get(name)
    assert value, name
    raw = value.encode()
    print("plain", value)
    print("standard", base64.b64encode(raw).decode(), "urlsafe", base64.urlsafe_b64encode(raw).decode())
    for before in (b"", b"a", b"ab"):
        print("inside", base64.b64encode(before + raw + b"tail").decode())
    print("quoted", urllib.parse.quote(value), urllib.parse.quote_plus(value), urllib.parse.quote(value, safe="").lower())
    print("json", json.dumps({"v": value}), repr(value))
    for piece in raw:
        sys.stdout.buffer.write(bytes([piece]))
        sys.stdout.flush()
    print()
    subprocess.run(["/bin/echo", "child", value], check=True)
    context.logging.info("logged " + value)
    logging.getLogger("mine").error("standard logging %s", value)
    print(value, file=sys.stderr)
    try:
        raise ValueError("caught " + value)
    except ValueError:
        traceback.print_exc()
    for refused in (
        lambda: context.events.send("leak.happened", {"deep": [{"key": "x" + value + "y"}]}),
        lambda: context.events.send("leak.happened", {value: 1}),
        lambda: context.events.send("leak.happened", {"encoded": base64.b64encode(raw).decode()}),
        lambda: context.state.put("leaked", {"list": [value]}),
        lambda: context.state.put(value, 1),
        lambda: context.secrets.set("x" + base64.urlsafe_b64encode(raw).decode(), "another", "service"),
    ):
        try:
            refused()
            print("NOT REFUSED")
        except Exception as error:
            print("refused:", error)
context.events.send("harmless.happened", {"secret": "fromApi"})
raise SystemExit("the end " + context.secrets.get("fromApi"))
`;

test("S1, S5: whatever a script does with secrets, nothing that is stored or answered holds one in any form", async () => {
  const manifest = JSON.stringify({ entrypoint: "main.py", retries: 0 });
  const files = { "manifest.json": manifest, "main.py": script };
  const secretsFile = JSON.stringify({ fromFile: planted.fromFile });
  const deployed = await platform.deploy("leaky", { ...files, "secrets.json": secretsFile });
  expect(deployed).toMatchObject({ status: 201, body: { secrets: { taken: ["fromFile"] } } });
  const set = await platform.request("PUT", "/api/v1/secrets?scope=project:default&name=fromApi", {
    json: { value: planted.fromApi },
  });
  expect(set).toMatchObject({
    status: 200,
    body: { name: "fromApi", scope: "project:default", version: 1, warnings: [] },
  });
  const { body: run } = await platform.request<{ executionId: string }>("POST", "/api/v1/services/default/leaky/run", {
    json: { data: { hint: "from-script-" } },
  });
  await platform.settled(1, "&service=default/leaky");

  const execution = await platform.execution(run.executionId);
  const output = execution.steps[0]?.output.preview ?? "";
  expect(execution).toMatchObject({ status: "failed", error: { kind: "exit" } });
  expect(output).toContain("the end [secret fromApi]");
  expect(output).not.toContain("NOT REFUSED");
  expect(output.match(/refused:.*secret "from(File|Api|Script)"/g)).toHaveLength(18);
  for (const name of Object.keys(planted)) {
    expect(output).toContain(`plain [secret ${name}]\n`);
    expect(output).toContain(`\n[secret ${name}]\nchild [secret ${name}]\n`);
  }

  const answers = await Promise.all(
    [
      `/executions/${run.executionId}`,
      `/executions/${run.executionId}/steps/1/output`,
      `/executions/${run.executionId}/logs?limit=1000`,
      "/events?limit=1000",
      "/secrets?scope=service:default/leaky",
      "/secrets?scope=project:default",
      "/state/default/leaky",
      "/config/service/default/leaky?effective=true",
      "/services/default/leaky",
    ].map(async (route) => {
      const { status, body } = await platform.request("GET", `/api/v1${route}`);
      expect(status, route).toBe(200);
      return { name: route, content: Buffer.from(typeof body === "string" ? body : JSON.stringify(body)) };
    }),
  );
  const logged = answers[2]?.content.toString() ?? "";
  expect(logged).toContain("logged [secret fromFile]");
  expect(logged).toContain("standard logging [secret fromScript]");

  // Also what is only in memory until now.
  await platform.restart();
  const files_ = filesBelow(platform.directory).map((name) => ({ name, content: readFileSync(name) }));
  expect(files_.map(({ name }) => path.basename(name))).toEqual(
    expect.arrayContaining(["bus.db", "catalog.db", "config.db", "ops.db", "secrets.key"]),
  );
  for (const { name, content } of [...answers, ...files_]) {
    for (const secret of Object.values(planted)) {
      for (const form of wanted(secret)) {
        expect(content.includes(form), `${name} holds ${form}`).toBe(false);
      }
    }
  }
  // The search itself works: names are stored, and are found.
  expect(files_.some(({ content }) => content.includes("fromScript"))).toBe(true);
  expect(statSync(path.join(platform.directory, "data", "secrets.key")).mode & 0o777).toBe(0o600);
});

test("S1: a script sets secrets of wider scopes only under a grant, and is told the command that grants", async () => {
  const setter = `
from fx_ef import context
context.secrets.set("shared", "from the setter", "project")
print("done")
`;
  await platform.deploy("setter", { "main.py": setter });
  const run = async (count: number) => {
    await platform.request("POST", "/api/v1/services/default/setter/run", { json: {} });
    const [newest] = await platform.settled(count, "&service=default/setter");
    return (await platform.execution(newest?.id ?? "")).steps[0]?.output.preview ?? "";
  };
  expect(await run(1)).toContain("fx secrets grant default/setter project");
  const grant = await platform.request("PUT", "/api/v1/services/default/setter/grants", {
    json: { secrets: ["project"] },
  });
  expect(grant).toEqual({ status: 200, body: { secrets: ["project"] } });
  expect(await run(2)).toBe("done\n");
  const { body } = await platform.request("GET", "/api/v1/secrets?scope=project:default");
  expect(body).toMatchObject({
    items: expect.arrayContaining([expect.objectContaining({ name: "shared", origin: "script" })]),
  });
});

test("S1, S5: no secret's name tells a secret, in a run or a replay of it; the log warns of one too short to redact", async () => {
  const namer = `
from fx_ef import context
known = context.secrets.get("known")
for name, value in ((known, "another value"), ("own-value-1", "own-value-1"), ("pin", "1234")):
    try:
        context.secrets.set(name, value, "service")
        print("set")
    except Exception as error:
        print("refused:", error.code)
`;
  await platform.deploy("namer", {
    "manifest.json": '{"entrypoint":"main.py","trigger_events":["names.wanted"]}',
    "main.py": namer,
    "secrets.json": '{"known":"known-value-1"}',
  });
  const event = { specversion: "1.0", id: "1", source: "/test", type: "names.wanted", correlationid: "naming" };
  await platform.send(event);
  const [run] = await platform.settled(1, "&service=default/namer");
  const said = "refused: forbidden\nrefused: forbidden\nset\n";
  expect(await platform.outputs(run?.id ?? "")).toEqual([said]);
  const { body: logs } = await platform.request("GET", `/api/v1/executions/${run?.id}/logs?limit=100`);
  expect(logs).toMatchObject({
    items: expect.arrayContaining([
      expect.objectContaining({
        stream: "log",
        level: "warning",
        text: expect.stringMatching(/"pin" is shorter than 6/),
      }),
    ]),
  });
  const { body: replay } = await platform.request<{ id: string }>("POST", "/api/v1/flows/replay", {
    json: { correlationid: "naming", versions: { "default/namer": "active" } },
  });
  const again = await eventually(async () => {
    const { body } = await platform.request<{ entries: { replay: { executionId: string } | null }[] }>(
      "GET",
      `/api/v1/replays/${replay.id}`,
    );
    return body.entries[0]?.replay;
  });
  await eventually(async () => (await platform.execution(again.executionId)).status === "completed");
  expect(await platform.outputs(again.executionId)).toEqual([said]);
  const { body: names } = await platform.request("GET", "/api/v1/secrets?scope=service:default/namer");
  expect(names).toMatchObject({ items: [{ name: "known" }, { name: "pin" }] });
});
