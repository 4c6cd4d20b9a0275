import { once } from "node:events";
import http from "node:http";
import type { AddressInfo } from "node:net";
import { expect, onTestFinished, test } from "vitest";
import { HttpClient } from "../../../src/foundation/http-client.ts";

test("a server without TLS that is asked by https is told as such", async () => {
  const server = http.createServer((_, response) => response.end("here")).listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const client = new HttpClient({ url: `https://127.0.0.1:${port}`, name: "Consul" });
  onTestFinished(() => {
    client.close();
    server.close();
  });
  await expect(client.call("GET", "/", { timeoutMs: 10_000 })).rejects.toMatchObject({
    code: "unavailable",
    message: expect.stringContaining("it does not speak TLS there"),
  });
});
