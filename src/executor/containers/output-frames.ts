import type { OutputChunk } from "../step-runner.ts";

const headerBytes = 8;

/**
 * Takes apart what an engine sends of a container without a terminal: frames of one byte that names the stream,
 * three zeros, the length in four, and so many bytes (Docker Engine API, "Attach to a container"). A frame is
 * handed on in the pieces in which it arrives, so that a long one holds nothing up.
 */
export class OutputFrames {
  #header = Buffer.alloc(0);
  #stream: OutputChunk["stream"] = "stdout";
  #leftBytes = 0;

  *read(chunk: Buffer): Generator<Pick<OutputChunk, "stream" | "bytes">> {
    let rest = chunk;
    while (rest.length > 0) {
      if (this.#leftBytes === 0) {
        const missing = headerBytes - this.#header.length;
        this.#header = Buffer.concat([this.#header, rest.subarray(0, missing)]);
        rest = rest.subarray(missing);
        if (this.#header.length < headerBytes) return;
        this.#stream = this.#header[0] === 2 ? "stderr" : "stdout";
        this.#leftBytes = this.#header.readUInt32BE(4);
        this.#header = Buffer.alloc(0);
        continue;
      }
      const bytes = rest.subarray(0, this.#leftBytes);
      this.#leftBytes -= bytes.length;
      rest = rest.subarray(bytes.length);
      yield { stream: this.#stream, bytes };
    }
  }
}
