import type { RunSecrets } from "../run-secrets.ts";
import type { OutputChunk } from "../step-runner.ts";
import { StreamRedactor } from "./stream-redactor.ts";

type Take = (chunk: OutputChunk) => void | Promise<void>;

/** The output of one step without its secrets; each stream by itself (rule S5). */
export class StepRedaction {
  readonly #secrets: RunSecrets;
  readonly #take: Take;
  readonly #streams = { stdout: new StreamRedactor(), stderr: new StreamRedactor() };
  #lastAt = 0;

  constructor(secrets: RunSecrets, take: Take) {
    this.#secrets = secrets;
    this.#take = take;
  }

  /** Waits only when secrets have changed. */
  output(chunk: OutputChunk): void | Promise<void> {
    const matcher = this.#secrets.current;
    if (matcher === undefined) return this.#secrets.matcher().then(() => this.output(chunk));
    const redactor = this.#streams[chunk.stream];
    redactor.use(matcher);
    this.#lastAt = chunk.at;
    return this.#pass(chunk.stream, redactor.push(chunk.bytes));
  }

  /** The step is over. `cut`: the rest of its output was dropped, perhaps in the middle of a secret. */
  async end(cut: boolean): Promise<void> {
    for (const stream of ["stdout", "stderr"] as const) await this.#pass(stream, this.#streams[stream].end({ cut }));
  }

  #pass(stream: OutputChunk["stream"], bytes: Uint8Array): void | Promise<void> {
    if (bytes.length > 0) return this.#take({ stream, bytes, at: this.#lastAt });
  }
}
