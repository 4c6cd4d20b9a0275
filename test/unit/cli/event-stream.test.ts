import fc from "fast-check";
import { expect, test } from "vitest";
import { readEventStream, type ServerSentEvent } from "../../../src/cli/connection/event-stream.ts";

async function* chunksOf(bytes: Uint8Array, cuts: readonly number[]): AsyncGenerator<Uint8Array> {
  let from = 0;
  for (const cut of [...cuts].sort((left, right) => left - right)) {
    yield bytes.subarray(from, Math.min(cut, bytes.length));
    from = Math.min(cut, bytes.length);
  }
  yield bytes.subarray(from);
}

async function read(text: string, cuts: readonly number[] = []): Promise<ServerSentEvent[]> {
  return Array.fromAsync(readEventStream(chunksOf(Buffer.from(text), cuts)));
}

test("events carry id, name and data; comments and what is cut off are passed over", async () => {
  const text = ': open\n\nid: 7\nevent: log\ndata: {"a":1}\n\ndata: one\ndata: two\n\nid: 8\ndata: cut';
  expect(await read(text)).toEqual([
    { id: "7", event: "log", data: '{"a":1}' },
    { id: undefined, event: "message", data: "one\ntwo" },
  ]);
});

test("however the bytes are cut into chunks and the lines ended, the events are the same", async () => {
  const data = fc.string({ unit: "grapheme", minLength: 1 }).map((text) => JSON.stringify(text));
  await fc.assert(
    fc.asyncProperty(
      fc.array(data, { minLength: 1 }),
      fc.constantFrom("\n", "\r\n", "\r"),
      fc.array(fc.nat({ max: 400 })),
      async (all, end, cuts) => {
        // The last line end is doubled, so that a trailing CR is not taken for half of CR LF.
        const text = all.map((one) => `data: ${one}${end}${end}`).join("") + (end === "\r" ? "\n" : "");
        expect((await read(text, cuts)).map(({ data }) => data)).toEqual(all);
      },
    ),
  );
});
