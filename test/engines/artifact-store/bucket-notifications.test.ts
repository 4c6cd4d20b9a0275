import { expect, onTestFinished, test } from "vitest";
import { eventually } from "../../support/eventually.ts";
import { TestPlatform } from "../../support/platform.ts";
import { TestBucket } from "../../support/s3-bucket.ts";
import { s3ServerWith } from "../../support/s3-server.ts";

test("an object that is put into a real server's bucket starts a service, and one that is removed does not", async () => {
  const platform = await TestPlatform.start();
  onTestFinished(() => platform.stop());
  const json = { name: "uploads" };
  const { body } = await platform.request<{ token: string }>("POST", "/api/v1/webhooks", { json });
  await platform.deploy("on-upload", {
    "main.py":
      "from fx_ef import context\np = context.params\nprint(p['bucket'], p['path'], p['sizeBytes'], p['etag'])\n",
    "manifest.json": JSON.stringify({ trigger_events: ["fx.file.uploaded"] }),
  });
  const place = await s3ServerWith([
    `--event-webhook-url=http://uploads:${body.token}@${new URL(platform.url).host}/hooks/s3`,
  ]);

  const bucket = new TestBucket(place);
  const object = { Bucket: bucket.options.bucket, Key: "in/über uns.txt" };
  await bucket.s3.putObject({ ...object, Body: "hello" });
  const [run] = await platform.settled(1);
  await eventually(async () =>
    expect(await platform.outputs(run?.id ?? "")).toEqual([
      `${object.Bucket} in/über uns.txt 5 5d41402abc4b2a76b9719d911017c592\n`,
    ]),
  );

  await bucket.s3.deleteObject(object);
  await bucket.s3.putObject({ ...object, Body: "hello" });
  expect(await platform.settled(2)).toHaveLength(2);
});
