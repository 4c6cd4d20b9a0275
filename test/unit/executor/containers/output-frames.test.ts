import fc from "fast-check";
import { expect, it } from "vitest";
import { OutputFrames } from "../../../../src/executor/containers/output-frames.ts";

const streams = ["stdout", "stderr"] as const;

function frame(stream: (typeof streams)[number], bytes: Uint8Array): Buffer {
  const header = Buffer.alloc(8);
  header[0] = streams.indexOf(stream) + 1;
  header.writeUInt32BE(bytes.length, 4);
  return Buffer.concat([header, bytes]);
}

it("what a container writes is the same however the engine's frames are cut on their way", () => {
  const frames = fc.array(fc.tuple(fc.constantFrom(...streams), fc.uint8Array({ maxLength: 40 })));
  fc.assert(
    fc.property(frames, fc.array(fc.integer({ min: 1, max: 20 })), (written, cuts) => {
      const whole = Buffer.concat(written.map(([stream, bytes]) => frame(stream, bytes)));
      const reader = new OutputFrames();
      const found: Record<string, Buffer[]> = { stdout: [], stderr: [] };
      for (let at = 0, n = 0; at < whole.length; n += 1) {
        const length = cuts.length === 0 ? whole.length : (cuts[n % cuts.length] as number);
        for (const { stream, bytes } of reader.read(whole.subarray(at, at + length)))
          found[stream]?.push(Buffer.from(bytes));
        at += length;
      }
      for (const stream of streams) {
        const expected = written.filter(([of]) => of === stream).map(([, bytes]) => Buffer.from(bytes));
        expect(Buffer.concat(found[stream] ?? [])).toEqual(Buffer.concat(expected));
      }
    }),
  );
});
