import { maxPreviewBytes, type StepOutput } from "../executions/execution.ts";

/** Gathers the beginning of a step's output as it streams by. */
export class OutputPreview {
  readonly #pieces: Uint8Array[] = [];
  #keptBytes = 0;
  #sizeBytes = 0;

  add(bytes: Uint8Array): void {
    this.#sizeBytes += bytes.length;
    const room = maxPreviewBytes - this.#keptBytes;
    if (room <= 0) return;
    const kept = Buffer.from(bytes.subarray(0, room));
    this.#pieces.push(kept);
    this.#keptBytes += kept.length;
  }

  read(truncated: boolean): StepOutput {
    return { preview: decode(Buffer.concat(this.#pieces)), sizeBytes: this.#sizeBytes, truncated };
  }
}

/** A character cut in two at the end is left out; what is no UTF-8 is replaced. NUL would end a text in some databases. */
function decode(bytes: Buffer): string {
  const text = new TextDecoder().decode(bytes, { stream: bytes.length === maxPreviewBytes });
  return text.replaceAll("\u0000", "\ufffd");
}
