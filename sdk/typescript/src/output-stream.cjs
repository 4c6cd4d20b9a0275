"use strict";
const { Writable } = require("node:stream");

/** A stream in the place of Node's own, of what `write(descriptor, bytes)` has written when it returns. */
function createOutput(descriptor, write) {
  const output = new Writable({
    decodeStrings: true,
    write(chunk, _encoding, done) {
      try {
        write(descriptor, chunk);
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
