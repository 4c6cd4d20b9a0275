import { once } from "node:events";
import { readFileSync } from "node:fs";
import http from "node:http";
import https from "node:https";
import type { AddressInfo } from "node:net";
import path from "node:path";
import { text } from "node:stream/consumers";
import { expect, onTestFinished, test } from "vitest";
import { type Certificate, makeCertificates } from "../../../engines/certificates.ts";
import { HttpClient, type HttpClientOptions, type HttpStream } from "../../../src/foundation/http-client.ts";
import { tempDir } from "../../support/temp-dir.ts";

interface Served {
  client: HttpClient;
  server: http.Server;
}

async function serve(answer: http.RequestListener, options: Partial<HttpClientOptions> = {}): Promise<Served> {
  const socketPath = path.join(tempDir(), "a server.sock");
  const server = http.createServer(answer).listen(socketPath);
  await once(server, "listening");
  const client = new HttpClient({ url: `unix://${socketPath}`, name: "the server", ...options });
  onTestFinished(() => {
    client.close();
    server.closeAllConnections();
    server.close();
  });
  return { client, server };
}

test("a server on a unix socket gets method, route, headers and body, and every status is an answer", async () => {
  const { client } = await serve(
    async (request, response) => {
      const { method, url, headers } = request;
      response.statusCode = 418;
      response.end(JSON.stringify([method, url, headers["x-one"], headers["x-two"], await text(request)]));
    },
    { headers: { "x-one": "1" } },
  );
  const call = { body: "Grüße", headers: { "x-two": "2" }, timeoutMs: 10_000 };
  const answer = await client.call("DELETE", "/a?b=c", call);
  expect(answer.status).toBe(418);
  expect(JSON.parse(answer.text)).toEqual(["DELETE", "/a?b=c", "1", "2", "Grüße"]);
});

test.each([
  [{ connectionEach: true }, 2],
  [{}, 1],
])("with %o two calls take connections: %i", async (options, count) => {
  const { client, server } = await serve((_, response) => response.end("here"), options);
  let connections = 0;
  server.on("connection", () => {
    connections += 1;
  });
  for (let n = 0; n < 2; n += 1) await client.call("GET", "/", {});
  expect(connections).toBe(count);
});

test("an answer is read as it comes, and one that breaks off is none", async () => {
  let go = () => {};
  const { client } = await serve((_, response) => {
    response.write("first");
    go = () => response.destroy();
  });
  const { status, body } = await client.open("GET", "/", {});
  expect(status).toBe(200);
  const read: string[] = [];
  const reading = (async () => {
    for await (const bytes of body) {
      read.push(bytes.toString());
      go();
    }
  })();
  await expect(reading).rejects.toMatchObject({ code: "unavailable", retryable: true });
  expect(read).toEqual(["first"]);
});

test("who does not answer in time is told by name, address and time, also in the midst of an answer", async () => {
  const { client } = await serve((request, response) => {
    if (request.url === "/begun") response.write("first");
  });
  const late = (ms: number) => `the server at ${client.url} does not answer: not within ${ms} ms`;
  for (const route of ["/", "/begun"]) {
    await expect(client.call("GET", route, { timeoutMs: 50 })).rejects.toMatchObject({
      code: "unavailable",
      message: late(50),
    });
  }
  // In which it has surely begun.
  const { body } = await client.open("GET", "/begun", { timeoutMs: 2_000 });
  await expect(text(body)).rejects.toMatchObject({ message: late(2_000) });
});

test("a call ends with its signal and with the client", async () => {
  const { client, server } = await serve(() => {});
  const stopping = new AbortController();
  const stopped = client.call("GET", "/", { signal: stopping.signal });
  await once(server, "request");
  stopping.abort();
  await expect(stopped).rejects.toMatchObject({ code: "unavailable" });
  const closed = client.open("GET", "/", {});
  await once(server, "request");
  client.close();
  await expect(closed).rejects.toMatchObject({ code: "unavailable" });
  await expect(client.call("GET", "/", {})).rejects.toMatchObject({ code: "unavailable", retryable: false });
});

test("nobody at the address is no answer, and can be tried again", async () => {
  const url = `unix://${path.join(tempDir(), "nobody.sock")}`;
  const client = new HttpClient({ url, name: "the server" });
  await expect(client.call("GET", "/", {})).rejects.toMatchObject({
    code: "unavailable",
    retryable: true,
    message: expect.stringContaining(`the server at ${url} does not answer: connect ENOENT`),
  });
});

test("a connection that is given up to another protocol carries it both ways, from its first byte on", async () => {
  const { client, server } = await serve(() => {});
  server.on("upgrade", ({ headers }, socket) => {
    socket.write(`HTTP/1.1 101 Upgraded\r\nconnection: Upgrade\r\nupgrade: ${headers.upgrade}\r\n\r\nhello `);
    socket.pipe(socket);
  });
  const answer = await client.upgrade("POST", "/attach", "tcp", {});
  if (!("socket" in answer)) throw new Error("it was not given up");
  answer.socket.end("and back");
  expect(await text(answer.socket)).toBe("hello and back");
});

test("a server that keeps its connection answers", async () => {
  const { client } = await serve((_, response) => {
    response.statusCode = 404;
    response.end("no such container");
  });
  const { status, body } = (await client.upgrade("POST", "/attach", "tcp", {})) as HttpStream;
  expect([status, await text(body)]).toEqual([404, "no such container"]);
});

test.each([true, false])("over TLS each shows its certificate; a connection each: %s", async (connectionEach) => {
  const { authorityFile, server: own, client: shown } = await makeCertificates(tempDir());
  const material = ({ certificateFile, keyFile }: Certificate) => ({
    cert: readFileSync(certificateFile, "utf8"),
    key: readFileSync(keyFile, "utf8"),
  });
  const ca = readFileSync(authorityFile, "utf8");
  const options = { ...material(own), ca, requestCert: true, rejectUnauthorized: true };
  const server = https.createServer(options, (_, response) => response.end("here")).listen(0, "127.0.0.1");
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  await once(server, "listening");
  const url = `https://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const tlsNames = { authority: "certificate-authority", certificate: "client-certificate" };
  const ask = async (tls: HttpClientOptions["tls"]) => {
    const client = new HttpClient({ url, name: "the cluster", tls, tlsNames, connectionEach });
    onTestFinished(() => client.close());
    return (await client.call("GET", "/", {})).text;
  };
  expect(await ask({ ...material(shown), ca })).toBe("here");
  await expect(ask(material(shown))).rejects.toThrow("not trusted: ");
  await expect(ask(material(shown))).rejects.toThrow("; certificate-authority names who may have signed it");
  expect(await ask({ ...material(shown), rejectUnauthorized: false })).toBe("here");
  await expect(ask({ ca })).rejects.toThrow("certificate required; client-certificate names ours");
});
