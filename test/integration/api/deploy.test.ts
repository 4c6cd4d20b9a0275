import { readFileSync } from "node:fs";
import path from "node:path";
import { gzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { type ApiServer, type ApiServerOptions, startApiServer } from "../../support/api-server.ts";
import { packageOf } from "../../support/package.ts";

const hello = { "main.py": "print('hello')\n", "manifest.json": JSON.stringify({ trigger_events: ["order.placed"] }) };

async function deploy(
  { call }: ApiServer,
  files: Parameters<typeof packageOf>[0] | Uint8Array,
  service = "default/hello",
) {
  const body = files instanceof Uint8Array ? files : await packageOf(files);
  return call("POST", `/api/v1/services/${service}/versions`, {
    body,
    headers: { "content-type": "application/gzip" },
  });
}

async function nothingStored({ call, catalog }: ApiServer): Promise<void> {
  expect((await call("GET", "/api/v1/services")).json.items).toEqual([]);
  expect((await catalog.services.referencedFiles()).size).toBe(0);
}

describe("deploying a version", () => {
  it("answers 201 and the version; the same content again 200 and the same version", async () => {
    const server = await startApiServer();
    const first = await deploy(server, hello);
    expect(first).toMatchObject({ status: 201, json: { version: expect.stringMatching(/^[\w-]{43}$/), warnings: [] } });
    expect(await deploy(server, hello)).toMatchObject({ status: 200, json: { version: first.json.version } });
    const changed = await deploy(server, { ...hello, "main.py": "print('changed')\n" });
    expect(changed.status).toBe(201);
    expect(changed.json.version).not.toBe(first.json.version);
    const other = await deploy(server, hello, "default/other");
    expect(other.status).toBe(201);
  });

  it("shows manifest, versions, links and files of the service, and each file's bytes", async () => {
    const server = await startApiServer();
    const bytes = Uint8Array.of(0, 255, 10);
    const { json: deployed } = await deploy(server, { ...hello, "data/a b.bin": bytes, "./lib/x.py": "x = 1\n" });
    const { json } = await server.call("GET", "/api/v1/services/default/hello");
    expect(json).toMatchObject({
      project: "default",
      name: "hello",
      activeVersion: deployed.version,
      active: true,
      priority: 5,
      manifest: { trigger_events: ["order.placed"] },
      scripts: ["main.py"],
      versions: [{ version: deployed.version }],
      links: [{ eventType: "order.placed", version: "active", origin: "manifest" }],
    });
    expect(json.files.map((file: { path: string }) => file.path)).toEqual([
      "data/a b.bin",
      "lib/x.py",
      "main.py",
      "manifest.json",
    ]);
    const file = await server.app.inject({
      url: `/api/v1/services/default/hello/versions/${deployed.version}/files/data/a%20b.bin`,
      headers: { authorization: "Bearer the-administrators-token" },
    });
    expect(file.rawPayload).toEqual(Buffer.from(bytes));
    expect(file.headers["content-type"]).toBe("application/octet-stream");
    const target = `/api/v1/services/default/hello/versions/${deployed.version}/files/nothing`;
    expect((await server.call("GET", target)).status).toBe(404);
  });

  it.each<[string, Parameters<typeof packageOf>[0], string]>([
    ["a path that leaves it", { "../evil.py": "" }, "must not contain"],
    ["a path that leaves it inside", { "a/../../evil.py": "" }, "must not contain"],
    ["an absolute path", { "/etc/evil.py": "" }, "must be relative"],
    ["a drive's path", { "C:evil.py": "" }, "must be relative"],
    ["a backslash", { "a\\b.py": "" }, "must be relative"],
    ["a symbolic link", { "link.py": { type: "symlink", linkname: "/etc/passwd" } }, "a symbolic link"],
    ["a hard link", { "link.py": { type: "link", linkname: "main.py" } }, "a hard link"],
    ["a device", { dev: { type: "character-device", devmajor: 1, devminor: 3 } }, "a device"],
    ["a pipe", { pipe: { type: "fifo" } }, "a pipe"],
    ["a file twice", { "main.py": "", "./main.py": "" }, "twice"],
    ["a file that is a directory", { a: "", "a/b.py": "" }, "both a file and a directory"],
    ["a control character", { "a\u0007.py": "" }, "printable"],
  ])("refuses a package with %s, whole", async (_name, files, message) => {
    const server = await startApiServer();
    const { status, json } = await deploy(server, { ...files, "manifest.json": "{}" });
    expect(status).toBe(400);
    expect(json.detail).toContain(message);
    await nothingStored(server);
  });

  it.each<[string, Uint8Array]>([
    ["no gzip", Buffer.from("hello")],
    ["no tar", gzipSync("hello".repeat(1000))],
    ["a tar that is cut off", gzipSync(Buffer.alloc(700, "a"))],
    ["a gzip that is cut off", gzipSync(Buffer.alloc(5000, "a")).subarray(0, 20)],
    ["nothing", new Uint8Array()],
  ])("refuses %s", async (_name, body) => {
    const server = await startApiServer();
    expect(await deploy(server, body)).toMatchObject({ status: 400, json: { code: "invalid-input" } });
    await nothingStored(server);
  });

  it("refuses a small package that unpacks to too much, while it unpacks", async () => {
    const server = await startApiServer({ limits: { packageBytes: 1024 * 1024 } });
    const bomb = await packageOf({ "main.py": "", zeros: new Uint8Array(64 * 1024 * 1024) });
    expect(bomb.length).toBeLessThan(100_000);
    expect(await deploy(server, bomb)).toMatchObject({ status: 413, json: { code: "limit-exceeded" } });
    const notEvenTar = gzipSync(Buffer.alloc(64 * 1024 * 1024));
    expect((await deploy(server, notEvenTar)).status).toBeGreaterThanOrEqual(400);
    await nothingStored(server);
  });

  it("tells a sender why, though the package is refused while it is still being sent", async () => {
    const server = await startApiServer({ limits: { packageBytes: 1024 * 1024 } });
    const { randomBytes } = await import("node:crypto");
    const large = await packageOf({ "main.py": "", noise: randomBytes(8 * 1024 * 1024) });
    expect(await deploy(server, large)).toMatchObject({ status: 413, json: { code: "limit-exceeded" } });
    await nothingStored(server);
  });

  it("refuses too many files, and too many directories", async () => {
    const server = await startApiServer({ limits: { packageFiles: 3 } });
    const named = (count: number) => Array.from({ length: count }, (_, index) => `n${index}`);
    const files = Object.fromEntries(named(4).map((name) => [name, ""]));
    const directories = Object.fromEntries(named(4).map((name) => [name, { type: "directory" as const }]));
    expect(await deploy(server, files)).toMatchObject({ status: 413, json: { code: "limit-exceeded" } });
    expect(await deploy(server, directories)).toMatchObject({ status: 413, json: { code: "limit-exceeded" } });
    expect((await deploy(server, { "main.py": "", a: "", b: "" })).status).toBe(201);
  });

  it.each<[string, string, string, RegExp]>([
    ["broken JSON", '{"name": }', "manifest.json", /must be JSON/],
    ["a wrong type of a key", '{"priority": "high"}', "manifest.json: priority", /found "high"/],
    ["a wrong pattern", '{"trigger_events": ["a.*.b"]}', "manifest.json: trigger_events[0]", /found "a\.\*\.b"/],
    [
      "a wrong filter",
      '{"trigger_events": [{"type":"a","filter":"event."}]}',
      "manifest.json: trigger_events[0].filter",
      /CEL/,
    ],
    ["a wrong concurrency key", '{"concurrency_key": "("}', "manifest.json: concurrency_key", /CEL/],
    ["a wrong schedule", '{"schedule": "every day"}', "manifest.json: schedule", /five cron fields.*every day/],
    ["a schedule that never comes", '{"schedule": "0 0 31 2 *"}', "manifest.json: schedule", /never/],
    ["a wrong time zone", '{"schedule": "* * * * *", "timezone": "Mars/Base"}', "manifest.json: timezone", /Mars/],
    [
      "a script that is not there",
      '{"entrypoint": "other.py"}',
      "manifest.json: entrypoint",
      /other\.py.*not in the package/,
    ],
    ["a container without an image", '{"type": "container"}', "manifest.json: image", /found nothing/],
    [
      "a container that runs scripts",
      '{"type": "container", "image": "a", "entrypoint": "main.py"}',
      "manifest.json: entrypoint or execution_order",
      /runs no scripts; found \["main\.py"\]/,
    ],
    [
      "a container's command as one text",
      '{"type": "container", "image": "a", "command": "sh -c date"}',
      "manifest.json: command",
      /list of words.*found "sh -c date"/,
    ],
    [
      "a container in the machine's network",
      '{"type": "container", "image": "a", "container": {"network": "host"}}',
      "manifest.json: container.network",
      /the machine's own network.*found "host"/,
    ],
    [
      "a container whose network opens the machine's by an option",
      '{"type": "container", "image": "a", "container": {"network": "slirp4netns:allow_host_loopback=true"}}',
      "manifest.json: container.network",
      /plain name of a network.*found "slirp4netns/,
    ],
    [
      "a container with a variable of ours",
      '{"type": "container", "image": "a", "container": {"env": {"FX_NONCE": "x"}}}',
      "manifest.json: container.env.FX_NONCE",
      /FX_ is ours/,
    ],
    [
      "a level of isolation for a container",
      '{"type": "container", "image": "a", "isolation": "sandbox"}',
      "manifest.json: isolation",
      /what the engine sets; found "sandbox"/,
    ],
    ["an image for scripts", '{"image": "alpine"}', "manifest.json: image", /the type is "script"/],
    [
      "scripts in a container without an image",
      '{"isolation": "container"}',
      "manifest.json: image",
      /isolation "container" names the image.*found nothing/,
    ],
    [
      "a command beside scripts in a container",
      '{"isolation": "container", "image": "a", "command": ["sh"]}',
      "manifest.json: command",
      /its scripts are what runs/,
    ],
    [
      "this machine's Python for scripts in a container",
      '{"isolation": "container", "image": "a", "python": "3.11"}',
      "manifest.json: python",
      /it is the image; found "3\.11"/,
    ],
    [
      "fewer processes than a container starts with",
      '{"isolation": "container", "image": "a", "max_processes": 5}',
      "manifest.json: max_processes",
      /at least 16 in a container.*found 5/,
    ],
    ["secrets named for scripts", '{"secrets": ["A"]}', "manifest.json: secrets", /context\.secrets\.get/],
    ["a Job without its file", '{"type": "k8s_job"}', "deployment.yaml", /found none/],
  ])(
    "refuses a manifest with %s, naming the key, what was found and what is right",
    async (_name, manifest, place, message) => {
      const server = await startApiServer();
      const { status, json } = await deploy(server, { "main.py": "", "manifest.json": manifest });
      expect(status).toBe(400);
      expect(json.problems).toEqual([{ path: place, message: expect.stringMatching(message) }]);
      await nothingStored(server);
    },
  );

  it("names the mistakes of its scripts with those of its manifest, where it is sure what runs them", async () => {
    const server = await startApiServer({
      checkScripts: async (_, paths) => paths.map((name) => ({ path: `${name}:1`, message: "invalid syntax" })),
    });
    const pathsOf = async (manifest: object) => {
      const files = { "main.py": "", "other.py": "", "manifest.json": JSON.stringify(manifest) };
      const { json } = await deploy(server, files);
      return json.problems.map(({ path }: { path: string }) => path);
    };
    const ofScripts = ["main.py:1", "other.py:1"];
    const entry = { entrypoint: "main.py" };
    expect(await pathsOf({ ...entry, priority: 0, scheddule: "@daily" })).toEqual([
      "manifest.json: priority",
      "manifest.json: scheddule",
      ...ofScripts,
    ]);
    expect(await pathsOf({ ...entry, schedule: "now and then" })).toEqual(["manifest.json: schedule", ...ofScripts]);
    expect(await pathsOf({ execution_order: ["main.py", "absent.py"] })).toEqual([
      "manifest.json: execution_order",
      ...ofScripts,
    ]);
    expect(await pathsOf({ ...entry, python: "three" })).toEqual(["manifest.json: python"]);
    expect(await pathsOf({ ...entry, isolation: "none" })).toEqual(["manifest.json: isolation"]);
  });

  it("names all mistakes of a manifest at once, and none that is only the consequence of another", async () => {
    const server = await startApiServer();
    const pathsOf = async (manifest: object) => {
      const { json } = await deploy(server, { "main.py": "", "manifest.json": JSON.stringify(manifest) });
      return json.problems.map(({ path }: { path: string }) => path);
    };
    const many = {
      isolation: "container",
      memory: "1 KB",
      schedule: "sometimes",
      trigger_events: [{ type: "a", filter: "(" }],
    };
    expect(await pathsOf(many)).toEqual([
      "manifest.json: memory",
      "manifest.json: image",
      "manifest.json: trigger_events[0].filter",
      "manifest.json: schedule",
    ]);
    expect(await pathsOf({ type: "contianer", image: "a", command: ["sh"], timezone: "Mars/Olympus" })).toEqual([
      "manifest.json: type",
      "manifest.json: timezone",
    ]);
    expect(await pathsOf({ execution_order: 3, isolation: "container" })).toEqual(["manifest.json: execution_order"]);
    const files = { "main.py": "", "manifest.json": '{"priority": 0}', "config.json": "[]", "parameters.json": "{" };
    const { json } = await deploy(server, files);
    expect(json.problems.map(({ path }: { path: string }) => path.split(":")[0])).toEqual([
      "manifest.json",
      "config.json",
      "parameters.json",
    ]);
    expect(await pathsOf({ type: "container", image: 7 })).toEqual(["manifest.json: image"]);
    expect(await pathsOf({ type: "container", entrypoint: "absent.py" })).toEqual([
      "manifest.json: image",
      "manifest.json: entrypoint or execution_order",
    ]);
    await nothingStored(server);
  });

  it.each<[string, string, string, RegExp]>([
    ["broken YAML", "kind: [Job", "deployment.yaml:1", /must be YAML/],
    [
      "another kind",
      "apiVersion: apps/v1\nkind: Job\nspec: {template: {spec: {containers: [{name: a}]}}}",
      "deployment.yaml: apiVersion",
      /batch\/v1.*found "apps\/v1"/,
    ],
    [
      "no container",
      "apiVersion: batch/v1\nkind: Job\nspec: {template: {spec: {containers: []}}}",
      "deployment.yaml: spec.template.spec.containers",
      /at least one/,
    ],
    ["two documents", "kind: Job\n---\nkind: Job\n", "deployment.yaml", /one document.*found 2/],
  ])("refuses a Job with %s, naming the place", async (_name, file, place, message) => {
    const server = await startApiServer();
    const { status, json } = await deploy(server, { "deployment.yaml": file, "manifest.json": '{"type": "k8s_job"}' });
    expect(status).toBe(400);
    expect(json.problems).toEqual([{ path: place, message: expect.stringMatching(message) }]);
    await nothingStored(server);
  });

  it("takes a container service without scripts, whose one step is its image", async () => {
    const server = await startApiServer();
    const manifest = JSON.stringify({ type: "container", image: "docker.io/library/alpine:3.20", args: ["date"] });
    const { status } = await deploy(server, { "manifest.json": manifest, "other.py": "print 'of another Python'" });
    expect(status).toBe(201);
    const { json: service } = await server.call("GET", "/api/v1/services/default/hello");
    expect(service.scripts).toEqual(["docker.io/library/alpine:3.20"]);
  });

  it("takes scripts for a container by their names, leaves their syntax to the image, and refuses what it could not run there", async () => {
    const server = await startApiServer();
    const manifest = JSON.stringify({
      isolation: "container",
      image: "python:3.13",
      execution_order: ["a.py", "b.ts"],
    });
    const files = { "manifest.json": manifest, "a.py": "print 'of another Python'", "b.ts": "" };
    expect((await deploy(server, files)).status).toBe(201);
    const { json: service } = await server.call("GET", "/api/v1/services/default/hello");
    expect(service.scripts).toEqual(["a.py", "b.ts"]);

    const refused = await deploy(server, {
      ...files,
      "requirements.txt": "requests\n",
      "package.json": '{"dependencies": {"a": "1"}}',
    });
    expect(refused.status).toBe(400);
    expect(refused.json.problems).toEqual(
      ["requirements.txt", "package.json"].map((path) => ({
        path,
        message: expect.stringMatching(/those of their image \(python:3\.13\): install them there/),
      })),
    );
    const shell = await deploy(server, { "manifest.json": '{"isolation": "container", "image": "a"}', "a.sh": "" });
    expect(shell.json.problems).toEqual([
      {
        path: "manifest.json: isolation",
        message: expect.stringMatching(/Python, TypeScript and JavaScript; found a\.sh/),
      },
    ]);
  });

  it("warns of unknown keys, suggesting the one that was meant", async () => {
    const server = await startApiServer();
    const { json } = await deploy(server, {
      "main.py": "",
      "manifest.json": '{"execution-order": ["main.py"], "name": "x"}',
    });
    expect(json.warnings).toEqual([
      expect.stringContaining('did you mean "execution_order"'),
      expect.stringContaining('deployed as "hello"'),
    ]);
  });

  it("runs the one script of a package without a manifest, and asks for the order of several", async () => {
    const server = await startApiServer();
    expect((await deploy(server, { "only.ts": "", "README.md": "" })).status).toBe(201);
    const { status, json } = await deploy(server, { "a.py": "", "b.py": "" });
    expect(status).toBe(400);
    expect(json.detail).toContain("execution_order");
    expect((await deploy(server, { "README.md": "" })).json.detail).toContain("no script");
  });

  it("refuses syntax errors with file and line, having checked scripts and Python modules in place", async () => {
    const seen: string[][] = [];
    const options: ApiServerOptions = {
      checkScripts: async (directory, paths) => {
        seen.push([...paths]);
        const text = readFileSync(path.join(directory, "lib/util.py"), "utf8");
        return text === "broken" ? [{ path: "lib/util.py:1", message: "invalid syntax" }] : [];
      },
    };
    const server = await startApiServer(options);
    const files = { "main.ts": "export {};", "lib/util.py": "broken" };
    const { status, json } = await deploy(server, files);
    expect(status).toBe(400);
    expect(json.problems).toEqual([{ path: "lib/util.py:1", message: "invalid syntax" }]);
    expect(seen).toEqual([["main.ts", "lib/util.py"]]);
    await nothingStored(server);
    expect((await deploy(server, { ...files, "lib/util.py": "x = 1" })).status).toBe(201);
  });

  it("S1: strips secrets.json before the version is hashed and stored, below the top as well", async () => {
    const server = await startApiServer();
    const secret = "the-very-secret-value";
    const plain = await deploy(server, hello);
    const { status, json } = await deploy(server, {
      ...hello,
      "secrets.json": JSON.stringify({ key: secret }),
      "lib/secrets.json": JSON.stringify({ key: secret }),
    });
    expect(status).toBe(200);
    expect(json.version).toBe(plain.json.version);
    expect(json.warnings).toEqual([expect.stringContaining("lib/secrets.json was discarded")]);
    const shown = await server.call("GET", "/api/v1/services/default/hello");
    expect(shown.text).not.toContain("secrets.json");
    const { hash } = await import("node:crypto");
    expect(await server.artifacts.has(hash("sha256", JSON.stringify({ key: secret }), "base64url"))).toBe(false);
  });

  it("refuses names that are none, and bodies that are no archive", async () => {
    const server = await startApiServer();
    expect((await deploy(server, hello, "default/Not_A_Name")).status).toBe(400);
    expect((await deploy(server, hello, "..%2f/hello")).status).toBe(400);
    expect((await server.call("POST", "/api/v1/services/default/hello/versions", { json: {} })).status).toBe(415);
    await nothingStored(server);
  });
});
