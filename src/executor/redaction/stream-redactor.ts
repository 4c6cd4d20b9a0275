import { type Matcher, noSecrets } from "./matcher.ts";
import { Scan } from "./scan.ts";

/** A stretch of the stream that forms cover, by offset. */
interface Covered {
  start: number;
  end: number;
  name: string;
}

/**
 * Replaces every form of every secret in a stream of bytes by `[secret NAME]` (rule S5). Only an end that may
 * still become a form is held back, so that at most the longest form waits, with its breaks of lines. Forms that overlap are replaced
 * together, under the name of the one that begins first. How the stream is cut into pieces changes nothing.
 */
export class StreamRedactor {
  #matcher: Matcher;
  #scan: Scan;
  /** Bytes read and not yet given out. */
  #held = Buffer.alloc(0);
  /** Offset of the first held byte. */
  #from = 0;
  /** In order, without overlaps. The first may have begun before what is held: then it was told already. */
  #covered: Covered[] = [];

  constructor(matcher: Matcher = noSecrets) {
    this.#matcher = matcher;
    this.#scan = new Scan(matcher);
  }

  /** From now on other secrets count: what is held is looked at again, what was given out is not. */
  use(matcher: Matcher): void {
    if (matcher === this.#matcher) return;
    this.#matcher = matcher;
    const held = this.#held;
    this.#held = Buffer.alloc(0);
    this.#scan = new Scan(matcher);
    // What began before is told already, and goes on; the rest is found again.
    this.#covered = this.#covered.filter(({ start }) => start < this.#from);
    this.#read(held);
  }

  /** What can be given out now. */
  push(bytes: Uint8Array): Uint8Array {
    if (this.#matcher.isEmpty && this.#held.length === 0) {
      this.#from += bytes.length;
      return bytes;
    }
    this.#read(bytes);
    return this.#giveOut(this.#scan.decidedUntil(this.#offset));
  }

  /** The rest. `cut`: the stream was cut off by us, and what may be the beginning of a secret goes unsaid. */
  end({ cut }: { cut: boolean }): Uint8Array {
    if (cut) {
      const rest = this.#giveOut(this.#scan.decidedUntil(this.#offset));
      this.#held = Buffer.alloc(0);
      return rest;
    }
    return this.#giveOut(this.#offset);
  }

  get #offset(): number {
    return this.#from + this.#held.length;
  }

  #read(bytes: Uint8Array): void {
    let at = this.#offset;
    this.#held = this.#held.length === 0 ? Buffer.from(bytes) : Buffer.concat([this.#held, bytes]);
    const { plain, wrapped } = this.#matcher;
    const scan = this.#scan;
    for (const byte of bytes) {
      const mayEnd = scan.step(byte, at);
      at += 1;
      if (!mayEnd) continue;
      const form = plain.formAt(scan.plain);
      if (form) this.#cover({ start: at - form.bytes.length, end: at, name: form.name });
      const broken = wrapped.formAt(scan.wrapped);
      if (broken) this.#cover({ start: scan.wrappedStart(broken.bytes.length), end: at, name: broken.name });
    }
  }

  #cover(found: Covered): void {
    let last = this.#covered.at(-1);
    let whole = found;
    while (last && last.end > whole.start) {
      const first = last.start <= whole.start ? last : whole;
      whole = { start: first.start, end: Math.max(last.end, whole.end), name: first.name };
      this.#covered.pop();
      last = this.#covered.at(-1);
    }
    this.#covered.push(whole);
  }

  /** Everything before `safe`, which no form to come can cover any more. */
  #giveOut(safe: number): Uint8Array {
    const pieces: Uint8Array[] = [];
    let at = this.#from;
    while (at < safe) {
      const next = this.#covered[0];
      if (next === undefined || next.start >= safe) {
        pieces.push(this.#held.subarray(at - this.#from, safe - this.#from));
        at = safe;
        break;
      }
      if (next.start >= at) {
        pieces.push(
          this.#held.subarray(at - this.#from, next.start - this.#from),
          Buffer.from(`[secret ${next.name}]`),
        );
      }
      at = Math.min(next.end, safe);
      if (next.end > safe) break;
      this.#covered.shift();
    }
    this.#held = this.#held.subarray(at - this.#from);
    this.#from = at;
    return pieces.length === 1 ? (pieces[0] as Uint8Array) : Buffer.concat(pieces);
  }
}

/** A whole text at once. */
export function redactText(matcher: Matcher, text: string): string {
  if (matcher.isEmpty) return text;
  const redactor = new StreamRedactor(matcher);
  const parts = [redactor.push(Buffer.from(text)), redactor.end({ cut: false })];
  return Buffer.concat(parts).toString();
}
