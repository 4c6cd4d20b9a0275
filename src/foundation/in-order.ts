/** Lets work through one after the other, in the order in which it was asked for, whatever became of the one before. */
export class InOrder {
  #last: Promise<unknown> = Promise.resolve();

  run<Result>(work: () => Promise<Result>): Promise<Result> {
    const result = this.#last.then(work);
    this.#last = result.catch(() => {});
    return result;
  }
}
