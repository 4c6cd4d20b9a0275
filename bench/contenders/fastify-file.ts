/**
 * A bare fastify route over a group-committed file: parses events, appends each as a line, answers once they are synced.
 * What a durable ingest costs on Node when it does nothing else. Argument: the file. Prints its address.
 */
import { open } from "node:fs/promises";
import Fastify from "fastify";
import { GroupCommit } from "../../src/foundation/group-commit.ts";

const [, , file = ""] = process.argv;
const handle = await open(file, "a");
const lines = new GroupCommit<string, void>(async (items) => {
  await handle.appendFile(items.join(""));
  await handle.datasync();
  return items.map(() => undefined);
}, 10_000);

const app = Fastify({ bodyLimit: 16 * 1024 * 1024 });
const parser = app.getDefaultJsonParser("error", "error");
app.addContentTypeParser(/^application\/cloudevents/, { parseAs: "string" }, parser);
app.post("/events", async (request, reply) => {
  const events = Array.isArray(request.body) ? request.body : [request.body];
  await lines.add(events.map((event) => `${JSON.stringify(event)}\n`).join(""));
  reply.code(202);
  return { accepted: events.map(({ id, source }) => ({ id, source })) };
});
console.log(await app.listen({ port: 0, host: "127.0.0.1" }));
