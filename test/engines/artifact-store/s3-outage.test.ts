import { expect, onTestFinished, test } from "vitest";
import type { ServerPlace } from "../../../engines/engine.ts";
import { killServer, signalServer, startServer } from "../../../engines/servers.ts";
import { sha256 } from "../../../src/foundation/hash.ts";
import type { Log } from "../../../src/foundation/log.ts";
import { ownServers } from "../../support/engines.ts";
import { eventually } from "../../support/eventually.ts";
import { TestBucket } from "../../support/s3-bucket.ts";

const content = Buffer.from("content");

async function storeOfItsOwn(changed: Parameters<TestBucket["open"]>[0] = {}) {
  const servers = await ownServers("s3");
  const bucket = new TestBucket(servers.places[0] as ServerPlace);
  const store = await bucket.open(changed);
  onTestFinished(() => store.close());
  return { servers, bucket, store };
}

/** Keeps what is told at the levels that people are woken by. */
function listeningLog() {
  const lines: string[] = [];
  const keep = (fields: object, message: string) => void lines.push(`${message} ${JSON.stringify(fields)}`);
  const log: Log = { debug() {}, info: keep, warn: keep, error: keep };
  return { lines, log };
}

test("a server that was killed is told of once, and is used again by the same store when it is back", async () => {
  const { lines, log } = listeningLog();
  const { servers, store } = await storeOfItsOwn({ log });
  const hash = await store.put(content);
  await killServer(servers, 0);
  for (const work of [() => store.get(hash), () => store.has(hash), () => store.put(content)]) {
    await expect(work()).rejects.toMatchObject({ code: "unavailable", retryable: true });
  }
  await startServer(servers, 0);
  expect(Buffer.compare(await store.get(hash), content)).toBe(0);
  expect(lines).toEqual([
    expect.stringMatching(/^the artifact store fails .*127\.0\.0\.1.*cannot be used now.*ECONNREFUSED/),
    expect.stringMatching(/^the artifact store .* answers again/),
  ]);
});

test("a server that accepts and says nothing is unavailable after a while, and not for longer than it is silent", async () => {
  const { servers, store } = await storeOfItsOwn({ silenceMs: 200 });
  const hash = await store.put(content);
  signalServer(servers, 0, "SIGSTOP");
  // It may answer once more before it stands.
  const failure = await eventually(() =>
    store.get(hash).then(
      () => undefined,
      (error: unknown) => error,
    ),
  );
  expect(failure).toMatchObject({ code: "unavailable", retryable: true });
  signalServer(servers, 0, "SIGCONT");
  expect(Buffer.compare(await store.get(hash), content)).toBe(0);
});

test("what was being stored in parts when the server died is not there by half, and can be stored again", async () => {
  const { servers, bucket, store } = await storeOfItsOwn();
  const large = Buffer.alloc(40 * 1024 * 1024, "0123456789");
  const hash = sha256(large);
  const putting = store.put(large).then(
    () => "stored",
    (error: { code: string }) => error.code,
  );
  await bucket.uploadBegun();
  await killServer(servers, 0);
  expect(await putting).toBe("unavailable");
  await startServer(servers, 0);
  expect(await store.has(hash)).toBe(false);
  await expect(store.get(hash)).rejects.toMatchObject({ code: "not-found" });
  await store.put(large);
  expect(Buffer.compare(await store.get(hash), large)).toBe(0);
});
