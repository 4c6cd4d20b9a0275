import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { readHostWord } from "../../../../src/executor/warm/read-host-word.ts";

const read = (words: unknown) => readHostWord(Buffer.from(JSON.stringify(words)));

describe("a word of a warm process", () => {
  it("is output, as text or as bytes", () => {
    expect(read({ run: 1, output: "stdout", text: "ä\n" })).toMatchObject({
      kind: "output",
      stream: "stdout",
      bytes: Buffer.from("ä\n"),
    });
    expect(read({ run: 1, output: "stderr", base64: "/w==" })).toMatchObject({ bytes: Buffer.from([255]) });
  });

  it("is an end, whose pipes are drained unless it says that nothing is in them", () => {
    expect(read({ run: 2, ended: { code: 259 } })).toEqual({
      kind: "ended",
      run: 2,
      code: 3,
      leftovers: [],
      openFiles: 0,
      piped: true,
    });
    expect(read({ run: 2, ended: { code: 0, leftovers: ["a thread"], openFiles: 9 }, piped: false })).toMatchObject({
      leftovers: ["a thread"],
      openFiles: 9,
      piped: false,
    });
  });

  it("is none without the number of a run, or with what no host says", () => {
    expect(read({ output: "stdout", text: "x" })).toBeUndefined();
    expect(read({ run: 1, output: "stdout" })).toBeUndefined();
    expect(read({ run: 1, ended: { code: "0" } })).toBeUndefined();
  });

  it("is an ask, a known word or none, whatever object it is", () => {
    fc.assert(
      fc.property(
        fc.dictionary(fc.constantFrom("run", "output", "ended", "text", "op", "id"), fc.jsonValue()),
        (words) => {
          expect([undefined, "ready", "output", "drain", "ended", "ask"]).toContain(read(words)?.kind);
        },
      ),
    );
  });
});
