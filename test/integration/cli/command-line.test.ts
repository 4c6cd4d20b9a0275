import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { expect, onTestFinished, test } from "vitest";
import { fx } from "../../support/cli.ts";
import { writeFiles } from "../../support/service-directory.ts";
import { tempDir } from "../../support/temp-dir.ts";

test("--version tells what `fx version` tells", async () => {
  const { code, out } = await fx(["--version"], {});
  expect([code, out]).toEqual([0, expect.stringMatching(/^StreamZero FX \S+ \(Node /)]);
});

test.each([
  [
    ["executions", "--status", "fail"],
    '"fail" is none of pending, in_progress, completed, failed, skipped, cancelled.',
  ],
  [["executions", "--status", "failed,complete"], '"complete" is none of pending'],
  [["executions", "--trigger", "hand"], '"hand" is none of event, manual, schedule, replay.'],
  [["events", "--outcome", "lost"], '"lost" is none of matched, unmatched, rejected.'],
  [["stats", "--by", "week"], '"week" is none of status, trigger, service, project, day, hour.'],
])("%j is a wrong command line, which no platform needs to be asked about", async (words, told) => {
  const { code, talk } = await fx(words, { url: "http://127.0.0.1:1" });
  expect([code, talk]).toEqual([2, expect.stringContaining(told)]);
});

test.each([
  [404, "<!doctype html>\n<title>Not here</title>\n"],
  [200, "<!doctype html>\n<title>A shop</title>\n"],
])("a stranger's answer %d is told as one, with a line of it at most", async (status, page) => {
  const server = createServer((_, answer) => void answer.writeHead(status, { "content-type": "text/html" }).end(page));
  await new Promise<void>((listens) => server.listen(0, "127.0.0.1", listens));
  onTestFinished(() => void server.close());
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const { code, talk } = await fx(["services"], { url });
  expect(code).toBe(4);
  expect(talk).toContain(`what answers at ${url} is no StreamZero FX platform`);
  expect(talk).toContain(`status ${status}: <!doctype html>\n`);
  expect(talk).not.toContain("title");
});

test("a platform that was killed is told by its process and where it was", async () => {
  const directory = writeFiles(tempDir(), {
    ".fx/address": "http://127.0.0.1:18080 4194399\n",
    // Nothing listens there, whatever does at the usual port.
    "fx.config.json": JSON.stringify({ port: 1 }),
  });
  const environment = { FX_TOKEN: "a-token-0123456789" };
  const { code, talk } = await fx(["services"], { directory, environment });
  expect(code).toBe(4);
  expect(talk).toContain("process 4194399 of this data directory has died (it was at http://127.0.0.1:18080)");
});
