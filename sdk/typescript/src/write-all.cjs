"use strict";
const { writeSync } = require("node:fs");
const { waitAMoment } = require("./wait-a-moment.cjs");

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

module.exports = { writeAll };
