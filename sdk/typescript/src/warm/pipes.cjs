"use strict";
const { fstatSync } = require("node:fs");

/** A file's stamp may be older by so much than the moment of its write: the kernel's clock of files goes by ticks. */
const tickNs = 10_000_000n;

/** Knows whether descriptor 1 or 2 was written to, by whomever, since it was last asked. */
class Pipes {
  #tell;
  #times;
  #asked = 0n;

  constructor() {
    // A pipe without a name keeps no time of its last write (Linux from 6.15 on); one that had a name has no links left.
    this.#tell = [1, 2].every((descriptor) => {
      const state = fstatSync(descriptor);
      return state.isFIFO() && state.nlink === 0;
    });
    if (this.#tell) this.wereWritten();
  }

  /** Undefined: it cannot be told. True also where it was perhaps before. */
  wereWritten() {
    if (!this.#tell) return undefined;
    try {
      const asked = BigInt(Date.now()) * 1_000_000n - tickNs;
      const [out, err] = [1, 2].map((descriptor) => fstatSync(descriptor, { bigint: true }).mtimeNs);
      const were = `${out} ${err}` !== this.#times || out >= this.#asked || err >= this.#asked;
      this.#times = `${out} ${err}`;
      this.#asked = asked;
      return were;
    } catch {
      return undefined; // The script has closed it.
    }
  }
}

module.exports = { Pipes };
