import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";
import { expect, onTestFinished, test } from "vitest";
import { findPortHolder } from "../../../src/cli/start/port-holder.ts";

test.runIf(process.platform === "linux")("the process that listens on a port is found, with its command", async () => {
  const server = createServer().listen(0, "127.0.0.1");
  onTestFinished(() => void server.close());
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  expect(findPortHolder(port)).toMatchObject({ pid: process.pid, command: expect.stringContaining("node") });
  server.close();
  await once(server, "close");
  expect(findPortHolder(port)).toBeUndefined();
});
