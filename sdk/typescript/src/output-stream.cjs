"use strict";
const { Writable } = require("node:stream");
const { writeAll } = require("./write-all.cjs");

/** A stream that has written when `write` returns. `before` is called with the descriptor first. */
function createOutput(descriptor, before) {
  const output = new Writable({
    decodeStrings: true,
    write(chunk, _encoding, done) {
      try {
        before(descriptor);
        writeAll(descriptor, chunk);
        done();
      } catch (error) {
        done(error);
      }
    },
  });
  output.fd = descriptor;
  output._type = "pipe";
  // As Node's own: the two cannot be closed, and an error of one does not end it.
  output.destroySoon = output.destroy;
  output._destroy = (error, done) => done(error);
  return output;
}

module.exports = { createOutput };
