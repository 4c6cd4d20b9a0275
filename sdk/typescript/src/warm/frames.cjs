"use strict";
const { isUtf8 } = require("node:buffer");

/** As JSON a character takes six bytes at most, and a frame holds four million. */
const pieceLength = 512 * 1024;
const streams = [undefined, "stdout", "stderr"];

/** What a run has written to a descriptor, in words of at most the length that a frame takes. */
function* outputWords(run, descriptor, bytes) {
  const output = streams[descriptor];
  if (!isUtf8(bytes)) {
    for (let from = 0; from < bytes.length; from += pieceLength) {
      yield { run, output, base64: bytes.toString("base64", from, from + pieceLength) };
    }
    return;
  }
  const text = bytes.toString();
  for (let from = 0; from < text.length; ) {
    const to = from + pieceLength;
    // The two halves of a character stay together.
    const end = isHighHalf(text.charCodeAt(to - 1)) ? to - 1 : to;
    yield { run, output, text: text.slice(from, end) };
    from = end;
  }
}

const isHighHalf = (unit) => unit >= 0xd800 && unit <= 0xdbff;

module.exports = { outputWords };
