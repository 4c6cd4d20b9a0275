import { readFileSync } from "node:fs";
import { get } from "node:https";
import path from "node:path";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import { tool } from "../../../engines/cache.ts";
import type { ServerPlace } from "../../../engines/engine.ts";
import { artifactStoreContract } from "../../../src/artifact-store/artifact-store.contract.ts";
import { sharedServers } from "../../support/engines.ts";
import { TestBucket } from "../../support/s3-bucket.ts";
import { s3ServerWith } from "../../support/s3-server.ts";
import { tempDir } from "../../support/temp-dir.ts";

const place = sharedServers("s3")[0] as ServerPlace;
const hourMs = 3_600_000;

const bytes = (text: string) => Buffer.from(text);
const largeContent = () => Buffer.alloc(11 * 1024 * 1024, "0123456789");

async function openIn(bucket: TestBucket, changed: Parameters<TestBucket["open"]>[0] = {}) {
  const store = await bucket.open(changed);
  onTestFinished(() => store.close());
  return store;
}

async function serverWithCertificate(): Promise<{ place: ServerPlace; authorityFile: string }> {
  const directory = tempDir();
  const [authorityFile, key] = [path.join(directory, "cert.pem"), path.join(directory, "key.pem")];
  const subject = ["-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"];
  await tool("openssl", [
    "req",
    "-x509",
    "-newkey",
    "rsa:2048",
    "-nodes",
    "-keyout",
    key,
    "-out",
    authorityFile,
    ...subject,
  ]);
  const answers = ({ ports }: ServerPlace) =>
    new Promise<boolean>((resolve, reject) => {
      const options = { host: "127.0.0.1", port: ports[0], path: "/health", ca: readFileSync(authorityFile) };
      get(options, (answer) => resolve(answer.resume().statusCode === 200)).on("error", reject);
    });
  return { place: await s3ServerWith([`--cert=${authorityFile}`, `--key=${key}`], answers), authorityFile };
}

describe("a bucket", () => {
  artifactStoreContract({
    // The server stamps what it stores; the tests below age it on the server's disk.
    capabilities: { ageByClock: false },
    open: async () => {
      const bucket = new TestBucket(place);
      return {
        store: await openIn(bucket),
        reopen: () => openIn(bucket),
        damage: (hash, content) => bucket.overwrite(hash, content),
      };
    },
  });
});

describe("storing in a bucket", () => {
  test("what is there and young is not sent again, by whomever it was stored", async () => {
    const bucket = new TestBucket(place);
    const [one, other] = [await openIn(bucket), await openIn(bucket)];
    const hash = await one.put(bytes("the same"));
    await Promise.all([one, other, one, other].map((store) => store.put(bytes("the same"))));
    expect(await bucket.keys(hash)).toHaveLength(1);
  });

  test("equal files of one deploy are stored once", async () => {
    const bucket = new TestBucket(place);
    const store = await openIn(bucket);
    await Promise.all(Array.from({ length: 20 }, () => store.put(bytes("the same"))));
    expect(await bucket.keys()).toHaveLength(1);
  });

  test("large content goes in parts, whose checksums the server keeps, and is known again", async () => {
    const bucket = new TestBucket(place);
    const store = await openIn(bucket);
    const content = largeContent();
    const hash = await store.put(content);
    expect(Buffer.compare(await store.get(hash), content)).toBe(0);
    const [key] = await bucket.keys(hash);
    const head = await bucket.s3.headObject({ Bucket: bucket.options.bucket, Key: key, ChecksumMode: "ENABLED" });
    expect(head.ChecksumSHA256).toMatch(/-3$/);
    await (await openIn(bucket)).put(content);
    expect(await bucket.keys(hash)).toEqual([key]);
  });

  test("two installations share a bucket by prefixes, and neither sweeps the other's", async () => {
    const [ours, theirs] = [new TestBucket(place), new TestBucket(place)];
    const [store, other] = [await openIn(ours), await openIn(theirs)];
    const hash = await other.put(bytes("theirs"));
    for (const key of await theirs.keys()) theirs.age(key, 48 * hourMs);
    expect(await store.has(hash)).toBe(false);
    expect(await store.sweep(new Set(), 0)).toBe(0);
    expect(await other.has(hash)).toBe(true);
  });
});

describe("D13: a sweep of a bucket", () => {
  test("takes what is past the grace and not named, over many pages", async () => {
    const bucket = new TestBucket(place);
    const store = await openIn(bucket);
    const old = Array.from({ length: 1010 }, (_, index) => bytes(`old ${index}`));
    for (let at = 0; at < old.length; at += 50)
      await Promise.all(old.slice(at, at + 50).map((each) => store.put(each)));
    const named = await store.put(bytes("named"));
    for (const key of await bucket.keys()) bucket.age(key, 25 * hourMs);
    const young = await store.put(bytes("young"));
    expect(await store.sweep(new Set([named]), 24 * hourMs)).toBe(1010);
    expect((await bucket.keys()).map((key) => key.split(/[/.]/)[3]).sort()).toEqual([named, young].sort());
  });

  test("leaves what was stored again to its new user", async () => {
    const bucket = new TestBucket(place);
    const store = await openIn(bucket);
    const hash = await store.put(bytes("old version"));
    for (const key of await bucket.keys()) bucket.age(key, 25 * hourMs);
    await store.put(bytes("old version"));
    expect(await store.sweep(new Set(), 24 * hourMs)).toBe(1);
    expect(await store.get(hash)).toEqual(new Uint8Array(bytes("old version")));
  });

  test("takes nothing that another process stores while it goes on, however often", async () => {
    const bucket = new TestBucket(place);
    const [storing, sweeping] = [await openIn(bucket), await openIn(bucket)];
    let swept = 0;
    for (let round = 1; round <= 40; round += 1) {
      const [hash, taken] = await Promise.all([
        storing.put(bytes("deployed again")),
        sweeping.sweep(new Set(), 24 * hourMs),
      ]);
      swept += taken;
      expect(await storing.has(hash)).toBe(true);
      for (const key of await bucket.keys()) bucket.age(key, 25 * hourMs);
    }
    expect(swept).toBeGreaterThan(20);
  });

  test("takes nothing that a put has just found there, however small the grace", async () => {
    const bucket = new TestBucket(place);
    const store = await openIn(bucket);
    const hash = await store.put(bytes("old version"));
    for (const key of await bucket.keys()) bucket.age(key, 0.9 * hourMs);
    await store.put(bytes("old version"));
    expect(await bucket.keys(hash)).toHaveLength(1);
    expect(await store.sweep(new Set(), 0)).toBe(0);
    expect(await store.has(hash)).toBe(true);
  });

  test("of what is kept, leaves one copy", async () => {
    const bucket = new TestBucket(place);
    const store = await openIn(bucket);
    const hash = await store.put(bytes("kept"));
    for (const ageMs of [50 * hourMs, 25 * hourMs]) {
      for (const key of await bucket.keys()) bucket.age(key, ageMs);
      await store.put(bytes("kept"));
    }
    const [, , latest] = await bucket.keys(hash);
    expect(await store.sweep(new Set([hash]), 24 * hourMs)).toBe(2);
    expect(await bucket.keys(hash)).toEqual([latest]);
  });

  test("takes uploads in parts that nobody completed", async () => {
    const bucket = new TestBucket(place);
    const store = await openIn(bucket);
    const { bucket: Bucket, prefix } = bucket.options;
    const Key = `${prefix}artifacts/half`;
    const { UploadId } = await bucket.s3.createMultipartUpload({ Bucket, Key });
    await bucket.s3.uploadPart({ Bucket, Key, UploadId, PartNumber: 1, Body: bytes("half") });
    await store.sweep(new Set(), 0);
    expect((await bucket.s3.listMultipartUploads({ Bucket, Prefix: prefix })).Uploads).toHaveLength(1);
    bucket.ageUpload(UploadId as string, 3 * hourMs);
    await store.sweep(new Set(), 0);
    expect((await bucket.s3.listMultipartUploads({ Bucket, Prefix: prefix })).Uploads ?? []).toEqual([]);
  });
});

describe("the way to a bucket", () => {
  test("credentials are found where AWS's own tools look, where the settings have none", async () => {
    const { accessKeyId, secretAccessKey } = new TestBucket(place).options.credentials ?? {};
    vi.stubEnv("AWS_ACCESS_KEY_ID", accessKeyId);
    vi.stubEnv("AWS_SECRET_ACCESS_KEY", secretAccessKey);
    onTestFinished(() => void vi.unstubAllEnvs());
    const store = await openIn(new TestBucket(place), { credentials: undefined });
    expect(await store.has(await store.put(bytes("content")))).toBe(true);
  });

  test("a server's certificate is checked by the file that the settings name, and by nothing less", async () => {
    const { place: secured, authorityFile } = await serverWithCertificate();
    const bucket = new TestBucket(secured, { endpoint: `https://127.0.0.1:${secured.ports[0]}` });
    await expect(bucket.open()).rejects.toMatchObject({
      code: "unavailable",
      message: expect.stringContaining("self-signed certificate"),
    });
    const store = await openIn(bucket, { authorityFile });
    expect(await store.get(await store.put(bytes("content")))).toEqual(new Uint8Array(bytes("content")));
  });
});

describe("a bucket that cannot be used", () => {
  test.each([
    ["a bucket that is not there", { bucket: "no-such-bucket" }, "NoSuchBucket"],
    ["a wrong secret", { credentials: { accessKeyId: "engines", secretAccessKey: "wrong" } }, "SignatureDoesNotMatch"],
    ["another region", { region: "eu-central-1" }, "AuthorizationHeaderMalformed"],
  ])("%s is told at the start, and is no matter of patience", async (_, changed, word) => {
    await expect(new TestBucket(place).open(changed)).rejects.toMatchObject({
      code: "unavailable",
      retryable: false,
      message: expect.stringMatching(
        new RegExp(`the artifact store ".*" at http://127.*cannot be used as it is set.*${word}`),
      ),
    });
  });

  test("a server that is not there is told with its address", async () => {
    const bucket = new TestBucket(place);
    await expect(bucket.open({ endpoint: "http://127.0.0.1:1" })).rejects.toMatchObject({
      code: "unavailable",
      retryable: true,
      message: expect.stringContaining("http://127.0.0.1:1 cannot be used now"),
    });
  });
});
