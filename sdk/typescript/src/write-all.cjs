"use strict";
const { writeSync } = require("node:fs");

const never = new Int32Array(new SharedArrayBuffer(4));

/** A pause of about a tenth of a millisecond, for a descriptor that would block. */
function waitAMoment() {
  Atomics.wait(never, 0, 0, 0.1);
}

/** Writes every byte before it returns, also to a descriptor that somebody made non-blocking. */
function writeAll(descriptor, bytes) {
  for (let written = 0; written < bytes.length; ) {
    try {
      written += writeSync(descriptor, bytes, written, bytes.length - written);
    } catch (error) {
      if (error.code !== "EAGAIN") throw error;
      waitAMoment();
    }
  }
}

module.exports = { waitAMoment, writeAll };
