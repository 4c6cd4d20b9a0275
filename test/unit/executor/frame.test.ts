import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { encodeFrame, FrameReader } from "../../../src/executor/frame.ts";

describe("frames", () => {
  it("come out as they went in, however the stream is cut", () => {
    fc.assert(
      fc.property(
        fc.array(fc.uint8Array({ maxLength: 40 }), { maxLength: 20 }),
        fc.array(fc.integer({ min: 1, max: 30 }), { minLength: 1, maxLength: 20 }),
        (contents, cuts) => {
          const stream = Buffer.concat(contents.map((content) => encodeFrame(content)));
          const reader = new FrameReader(40);
          const read: number[][] = [];
          for (let at = 0, cut = 0; at < stream.length; cut += 1) {
            const size = cuts[cut % cuts.length] as number;
            for (const frame of reader.read(stream.subarray(at, at + size))) read.push([...frame]);
            at += size;
          }
          expect(read).toEqual(contents.map((content) => [...content]));
        },
      ),
    );
  });

  it("longer than allowed are refused at their first bytes", () => {
    const reader = new FrameReader(10);
    expect(() => [...reader.read(encodeFrame(Buffer.alloc(11)).subarray(0, 4))]).toThrow(RangeError);
  });
});
