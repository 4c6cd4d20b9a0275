"use strict";
const { Channel } = require("../channel.cjs");

/** The channel of a warm process, for all of its runs. When it ends, so does the process. */
class WarmChannel extends Channel {
  /** Called with the words that begin a run. */
  onRun;
  #exit = process.exit;
  #reallyExit = process.reallyExit;

  hear(words) {
    if ("welcome" in words) this.onRun(words);
    else super.hear(words);
  }

  /** Modules are told, as at the end of any process. */
  closed() {
    process.reallyExit = this.#reallyExit;
    this.#exit.call(process, 0);
  }
}

module.exports = { WarmChannel };
