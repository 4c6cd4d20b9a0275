// @ts-check

/** @type {Record<string, string>} */
const fixes = {
  ENOSPC: 'free about 700 MB ("df -h ." shows the disk), and run the same command again',
  EDQUOT: 'free about 700 MB ("quota" shows the limit), and run the same command again',
  EACCES: "make this folder writable for you, and run the same command again",
  EPERM: "make this folder writable for you, and run the same command again",
  EROFS: "clone the repository onto a disk that can be written",
  ENOENT: "clone the repository again: a file of it is missing",
};

/** A set-up that cannot go on. It says what failed, why, and the command that mends it. */
export class SetUpError extends Error {
  /** @param {{ what: string, why: string, fix: string, detail?: string }} parts `detail` is shown word for word. */
  constructor({ what, why, fix, detail }) {
    super(what);
    this.name = "SetUpError";
    this.why = why;
    this.fix = fix;
    this.detail = detail;
  }

  /**
   * An error of the file system in the same form; any other error is a fault of ours and stays as it is.
   *
   * @param {unknown} error
   * @param {string} root
   */
  static from(error, root) {
    const code = error instanceof Error && "code" in error ? String(error.code) : "";
    const fix = fixes[code];
    if (error instanceof SetUpError || fix === undefined) return error;
    return new SetUpError({ what: `cannot set up ${root}`, why: /** @type {Error} */ (error).message, fix });
  }

  /** The lines a person reads on stderr. */
  report() {
    const lines = [`fx: ${this.message}`, `    why: ${this.why}`, `    fix: ${this.fix}`];
    if (this.detail) lines.push("    npm said:", ...this.detail.split("\n").map((line) => `      ${line}`));
    return lines.join("\n");
  }
}
