"use strict";

const never = new Int32Array(new SharedArrayBuffer(4));

/** A pause of about a tenth of a millisecond, for a descriptor that would block. */
function waitAMoment() {
  Atomics.wait(never, 0, 0, 0.1);
}

module.exports = { waitAMoment };
