/**
 * Ends this process when a statement takes too long. SQLite runs inside of the process and cannot be
 * told to stop, so the process is; what its transaction did is rolled back when the file is next opened.
 */
import { writeSync } from "node:fs";
import { isMainThread, Worker, workerData } from "node:worker_threads";

interface Shared {
  /** [0] counts starts and ends; an odd number: a statement runs. [1]: its line. */
  state: Int32Array<SharedArrayBuffer>;
  file: string;
  limitMs: number;
}

export class Watchdog {
  readonly #state = new Int32Array(new SharedArrayBuffer(8));

  constructor(file: string, limitMs: number) {
    new Worker(new URL(import.meta.url), {
      workerData: { state: this.#state, file, limitMs } satisfies Shared,
    }).unref();
  }

  /** Runs `statement` under the limit. */
  async over<T>(line: number, statement: () => Promise<T>): Promise<T> {
    Atomics.store(this.#state, 1, line);
    this.#turn();
    try {
      return await statement();
    } finally {
      this.#turn();
    }
  }

  #turn(): void {
    Atomics.add(this.#state, 0, 1);
    Atomics.notify(this.#state, 0);
  }
}

if (!isMainThread) watch(workerData);

function watch({ state, file, limitMs }: Shared): void {
  for (;;) {
    const turn = Atomics.load(state, 0);
    const running = turn % 2 === 1;
    if (Atomics.wait(state, 0, turn, running ? limitMs : Number.POSITIVE_INFINITY) === "timed-out") {
      writeSync(2, `${file}:${state[1]}: the statement took longer than ${limitMs / 1000} s and was ended\n`);
      process.kill(process.pid, "SIGALRM");
    }
  }
}
