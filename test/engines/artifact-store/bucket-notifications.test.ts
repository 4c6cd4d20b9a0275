import { expect, onTestFinished, test } from "vitest";
import { Cache, cacheRoot } from "../../../engines/cache.ts";
import type { Engine, ServerPlace } from "../../../engines/engine.ts";
import { s3 } from "../../../engines/s3.ts";
import { placeServers, startServers, stopServers } from "../../../engines/servers.ts";
import { eventually } from "../../support/eventually.ts";
import { TestPlatform } from "../../support/platform.ts";
import { TestBucket } from "../../support/s3-bucket.ts";
import { tempDir } from "../../support/temp-dir.ts";

/** The server, set to tell the platform what happens in its buckets. */
async function notifyingServer(target: string): Promise<ServerPlace> {
  const engine: Engine = {
    ...s3,
    async prepare(server, all) {
      const { args, ...same } = await s3.prepare(server, all);
      return { ...same, args: [`--event-webhook-url=${target}`, ...args] };
    },
  };
  const programs = await engine.install(new Cache(cacheRoot(), console.error));
  const servers = await placeServers(engine, programs, tempDir(), 1);
  onTestFinished(() => stopServers(servers));
  await startServers(servers);
  return servers.places[0] as ServerPlace;
}

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
  const place = await notifyingServer(`http://uploads:${body.token}@${new URL(platform.url).host}/hooks/s3`);

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
