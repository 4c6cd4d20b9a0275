"use strict";
const { closeSync, openSync } = require("node:fs");

/** The lowest descriptor that is free: so many files are open, at the least. Undefined: none is free. */
function lowestFree() {
  try {
    const free = openSync("/dev/null", "r");
    closeSync(free);
    return free;
  } catch (error) {
    return error.code === "EMFILE" ? undefined : 0;
  }
}

module.exports = { lowestFree };
