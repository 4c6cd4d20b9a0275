import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { expect, onTestFinished, test } from "vitest";
import { ElasticsearchOpsData } from "../../../src/ops-data/elasticsearch.ts";

test("an address where something else answers is refused as such, at once", async () => {
  const server = createServer((_, response) => {
    response.statusCode = 404;
    response.end("nothing here");
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => void server.close());
  const { port } = server.address() as AddressInfo;
  const connection = { url: `http://127.0.0.1:${port}` };
  const opening = ElasticsearchOpsData.open({ connection, indices: { prefix: "fx", replicas: 0 } });
  await expect(opening).rejects.toMatchObject({
    code: "invalid-input",
    message: expect.stringContaining("is no Elasticsearch or OpenSearch"),
  });
});
