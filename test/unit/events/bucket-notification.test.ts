import { describe, expect, it } from "vitest";
import { readBucketNotification } from "../../../src/events/bucket-notification.ts";
import type { Json, JsonObject } from "../../../src/foundation/json.ts";

/** As AWS sends it: https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-content-structure.html */
function s3Record(eventName: string, object: JsonObject, changed: JsonObject = {}): JsonObject {
  return {
    eventVersion: "2.1",
    eventSource: "aws:s3",
    awsRegion: "us-west-2",
    eventTime: "2026-01-31T12:00:00.000Z",
    eventName,
    userIdentity: { principalId: "AIDAJDPLRKLG7UEXAMPLE" },
    s3: {
      s3SchemaVersion: "1.0",
      configurationId: "uploads",
      bucket: { name: "inbox", ownerIdentity: { principalId: "A3NL1KOZZKExample" }, arn: "arn:aws:s3:::inbox" },
      object,
    },
    ...changed,
  };
}

const object = {
  key: "orders/7.json",
  size: 1024,
  eTag: "d41d8cd98f00b204e9800998ecf8427e",
  versionId: "096fKKXTRTtl3on89fVO.nfljtsv6qko",
  sequencer: "0055AED6DCD90281E5",
};

const put = {
  bucket: "inbox",
  key: "orders/7.json",
  sizeBytes: 1024,
  etag: "d41d8cd98f00b204e9800998ecf8427e",
  versionId: "096fKKXTRTtl3on89fVO.nfljtsv6qko",
  sequencer: "0055AED6DCD90281E5",
};

describe("a notification in S3's form", () => {
  it("tells of each object that was put, whichever way, and counts the rest", () => {
    const Records = ["Put", "Post", "Copy", "CompleteMultipartUpload"].map((way) =>
      s3Record(`ObjectCreated:${way}`, object),
    );
    const others = ["ObjectRemoved:Delete", "ObjectTagging:Put", "ObjectRestore:Completed"].map((name) =>
      s3Record(name, { key: "orders/6.json" }),
    );
    const read = readBucketNotification({ Records: [...Records, ...others] });
    expect(read).toEqual({ put: Array(4).fill({ ...put, time: "2026-01-31T12:00:00.000Z" }), passedOver: 3 });
  });

  it("is read as MinIO sends it, with its own words around the records", () => {
    const record = s3Record("s3:ObjectCreated:Put", { ...object, versionId: "", contentType: "application/json" });
    const body = { EventName: "s3:ObjectCreated:Put", Key: "inbox/orders/7.json", Records: [record] };
    expect(readBucketNotification(body).put).toEqual([
      { ...put, versionId: undefined, time: "2026-01-31T12:00:00.000Z" },
    ]);
  });

  it.each([
    ["a+b%2Bc%2F%C3%BC.txt", "a b+c/ü.txt"],
    ["100%25.txt", "100%.txt"],
    // Not encoded, by servers that do not.
    ["a b+ü%41.txt", "a b+ü%41.txt"],
    ["100%.txt", "100%.txt"],
    ["not-utf-8-%FF", "not-utf-8-%FF"],
  ])("has the key %j, which is %j", (key, decoded) => {
    expect(readBucketNotification({ Records: [s3Record("ObjectCreated:Put", { key })] }).put).toMatchObject([
      { key: decoded },
    ]);
  });

  it("has ETags without the quotes that some servers keep", () => {
    const Records = [s3Record("ObjectCreated:Put", { ...object, eTag: '"d41d8cd98f00b204e9800998ecf8427e"' })];
    expect(readBucketNotification({ Records }).put).toMatchObject([{ etag: put.etag }]);
  });

  it("is refused as a whole where one record says nothing that can be used, with the place", () => {
    const Records = [s3Record("ObjectCreated:Put", object), s3Record("ObjectCreated:Put", { size: 3 })];
    expect(() => readBucketNotification({ Records })).toThrow(/Records\[1\]\.s3\.object\.key: /);
  });
});

describe("a notification in EventBridge's form", () => {
  const event = (changed: JsonObject): Json => ({
    version: "0",
    id: "17793124-05d4-b198-2fde-7ededc63b103",
    "detail-type": "Object Created",
    source: "aws.s3",
    account: "111122223333",
    time: "2026-01-31T12:00:00Z",
    region: "ca-central-1",
    resources: ["arn:aws:s3:::inbox"],
    detail: {
      version: "0",
      bucket: { name: "inbox" },
      object: {
        key: "a+b %41.json",
        size: 1024,
        etag: put.etag,
        "version-id": put.versionId,
        sequencer: put.sequencer,
      },
      "request-id": "N4N7GDK58NMKJ12R",
      reason: "PutObject",
    },
    ...changed,
  });

  it("tells of an object that was put, its key as it is", () => {
    expect(readBucketNotification(event({}))).toEqual({
      put: [{ ...put, key: "a+b %41.json", time: "2026-01-31T12:00:00Z" }],
      passedOver: 0,
    });
  });

  it("passes over what happens to objects otherwise, and refuses other sources", () => {
    expect(readBucketNotification(event({ "detail-type": "Object Deleted" }))).toEqual({ put: [], passedOver: 1 });
    expect(() => readBucketNotification(event({ source: "aws.ec2" }))).toThrow(/source: /);
  });
});

it("the test that a server sends first is taken and tells nothing; anything else is refused", () => {
  expect(readBucketNotification({ Service: "Amazon S3", Event: "s3:TestEvent", Bucket: "inbox" })).toEqual({
    put: [],
    passedOver: 1,
  });
  for (const other of [undefined, null, "text", 7, [], {}, { Event: "s3:Other" }, { Records: "none" }]) {
    expect(() => readBucketNotification(other)).toThrow(/notification/);
  }
});
