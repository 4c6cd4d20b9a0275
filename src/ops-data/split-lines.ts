const newline = 0x0a;
export const maxLineBytes = 16 * 1024;

/** Whole lines of some output, and what follows the last of them. A line that is too long is several. */
export function splitLines(bytes: Uint8Array): { whole: Uint8Array[]; rest: Uint8Array } {
  const whole: Uint8Array[] = [];
  let at = 0;
  for (;;) {
    const end = bytes.indexOf(newline, at);
    const stop = end < 0 ? bytes.length : end;
    while (stop - at > maxLineBytes) {
      const cut = characterEnd(bytes, at, at + maxLineBytes);
      whole.push(bytes.subarray(at, cut));
      at = cut;
    }
    if (end < 0) return { whole, rest: bytes.subarray(at) };
    whole.push(bytes.subarray(at, end));
    at = end + 1;
  }
}

/** Where to cut so that no character of UTF-8 is in two pieces; of other bytes, where it was asked for. */
function characterEnd(bytes: Uint8Array, from: number, at: number): number {
  for (let cut = at; cut > at - 4 && cut > from; cut -= 1) {
    if (((bytes[cut] ?? 0) & 0xc0) !== 0x80) return cut;
  }
  return at;
}

/** Text of a line, without the carriage return that some systems put before its end; what is not UTF-8 is replaced. */
export function lineText(bytes: Uint8Array): string {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString();
  return text.endsWith("\r") ? text.slice(0, -1) : text;
}

/** A line of logging is one, whatever it contains; one that is too long is several. */
export function loggedPieces(bytes: Uint8Array): Uint8Array[] {
  const masked = Uint8Array.from(bytes, (byte) => (byte === 0x0a ? 0x20 : byte));
  const { whole, rest } = splitLines(masked);
  let at = 0;
  return [...whole, rest].map(({ length }) => {
    at += length;
    return bytes.subarray(at - length, at);
  });
}
