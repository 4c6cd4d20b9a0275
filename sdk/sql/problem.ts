/** What is wrong with a script, and where. `line` is of the file, from 1. */
export class SqlProblem extends Error {
  readonly line: number;

  constructor(line: number, message: string) {
    super(message);
    this.line = line;
  }
}
