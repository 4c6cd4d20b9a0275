"use strict";
const { Channel } = require("../channel.cjs");

/** The channel of a warm process, for all of its runs. When it ends, so does the process. */
class WarmChannel extends Channel {
  /** Called with the words that begin a run. */
  onRun;
  #end = process.reallyExit.bind(process);

  hear(words) {
    if ("welcome" in words) this.onRun(words);
    else super.hear(words);
  }

  closed() {
    this.#end(0);
  }
}

module.exports = { WarmChannel };
