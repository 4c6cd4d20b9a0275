import type { Automaton } from "./automaton.ts";

const root = 0;
const [lineFeed, carriageReturn, backslash, n, r] = Buffer.from("\n\r\\nr") as unknown as number[];
/** Of a break within a form: `\r\n`, and the four letters that JSON and Python write for it. */
const maxBreakBytes = 4;
/**
 * Read before a break is passed over: else the end of every line that ends with the first letter of a form would wait
 * for the next line. A form that is broken sooner is found without its first letters.
 */
export const lettersBeforeBreak = 4;

interface Automata {
  plain: Automaton;
  /** Of the forms that encoders break over lines. */
  wrapped: Automaton;
}

/**
 * A place in a stream, for both ways of looking. Where a break of lines stands inside of a form that may be wrapped,
 * it is passed over; more than one makes an end, so that what has to wait stays bounded.
 */
export class Scan {
  plain = root;
  wrapped = root;
  readonly #automata: Automata;
  /** Offsets of the latest bytes that the wrapped state is made of. */
  readonly #offsets: Float64Array;
  #count = 0;
  #breakBytes = 0;
  #afterBackslash = false;

  constructor(automata: Automata) {
    this.#automata = automata;
    const longest = automata.wrapped.forms.reduce((most, { bytes }) => Math.max(most, bytes.length), 0);
    this.#offsets = new Float64Array(longest + 1);
  }

  restart(): void {
    this.plain = root;
    this.wrapped = root;
    this.#breakBytes = 0;
    this.#afterBackslash = false;
  }

  /** True where something may end at this byte. */
  step(byte: number, offset: number): boolean {
    this.plain = this.#automata.plain.step(this.plain, byte);
    const isPassedOver = this.#mayBreak() && this.#isOfBreak(byte);
    if (!isPassedOver) this.#stepWrapped(byte, offset);
    return this.plain !== root || (this.wrapped !== root && !isPassedOver);
  }

  /** Everything before it is decided, when the stream was read up to `end`. */
  decidedUntil(end: number): number {
    const { plain, wrapped } = this.#automata;
    const start = this.wrapped === root ? end : this.wrappedStart(wrapped.depth(this.wrapped));
    return Math.min(end - plain.depth(this.plain), start);
  }

  /** Where the latest `length` bytes begin that were not passed over. */
  wrappedStart(length: number): number {
    return this.#offsets[(this.#count - length) % this.#offsets.length] as number;
  }

  #stepWrapped(byte: number, offset: number): void {
    this.#breakBytes = 0;
    this.wrapped = this.#automata.wrapped.step(this.wrapped, byte);
    if (this.wrapped === root) return;
    this.#offsets[this.#count % this.#offsets.length] = offset;
    this.#count += 1;
  }

  #mayBreak(): boolean {
    return this.wrapped !== root && this.#automata.wrapped.depth(this.wrapped) >= lettersBeforeBreak;
  }

  #isOfBreak(byte: number): boolean {
    const isEscape = this.#afterBackslash && (byte === n || byte === r);
    const isEnd = this.#afterBackslash && !isEscape;
    this.#afterBackslash = !isEnd && byte === backslash;
    if (!isEnd && (isEscape || byte === lineFeed || byte === carriageReturn || byte === backslash)) {
      this.#breakBytes += 1;
      if (this.#breakBytes <= maxBreakBytes) return true;
    } else if (!isEnd) return false;
    // No break, or more than one: what follows begins anew.
    this.wrapped = root;
    this.#afterBackslash = false;
    return false;
  }
}
