const headerBytes = 4;

/** A frame: its length as 4 bytes, big-endian, then its content. */
export function encodeFrame(...parts: readonly Uint8Array[]): Buffer {
  const header = Buffer.allocUnsafe(headerBytes);
  header.writeUInt32BE(parts.reduce((total, part) => total + part.length, 0));
  return Buffer.concat([header, ...parts]);
}

/** Finds the frames in a stream of bytes. A frame that came in many pieces is copied once. */
export class FrameReader {
  readonly #maxBytes: number;
  #pieces: Buffer[] = [];
  #heldBytes = 0;

  /** A frame announced as longer than `maxBytes` is a RangeError, before any of it is kept. */
  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  *read(chunk: Buffer): Generator<Buffer> {
    this.#pieces.push(chunk);
    this.#heldBytes += chunk.length;
    for (;;) {
      if (this.#heldBytes < headerBytes) return;
      const length = this.#join(headerBytes).readUInt32BE();
      if (length > this.#maxBytes)
        throw new RangeError(`a frame of ${length} bytes; at most ${this.#maxBytes} are taken`);
      if (this.#heldBytes < headerBytes + length) return;
      const held = this.#join(headerBytes + length);
      this.#pieces =
        held.length > headerBytes + length
          ? [held.subarray(headerBytes + length), ...this.#pieces.slice(1)]
          : this.#pieces.slice(1);
      this.#heldBytes -= headerBytes + length;
      yield held.subarray(headerBytes, headerBytes + length);
    }
  }

  /** The first piece, made to hold at least `bytes`, which must be there. */
  #join(bytes: number): Buffer {
    const first = this.#pieces[0] as Buffer;
    if (first.length >= bytes) return first;
    const joined = Buffer.concat(this.#pieces);
    this.#pieces = [joined];
    return joined;
  }
}
