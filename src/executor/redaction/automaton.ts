import type { Form } from "./forms.ts";

const root = 0;
const none = -1;

/**
 * Finds all of many byte strings in one pass (Aho and Corasick, 1975). A state is the longest end of what was read that
 * begins a form. Children are kept as lists: nearly every state has one.
 */
export class Automaton {
  readonly forms: readonly Form[];
  readonly #first: Int32Array;
  readonly #next: Int32Array;
  readonly #byte: Uint8Array;
  readonly #fail: Int32Array;
  readonly #depth: Int32Array;
  /** By state: the longest form, and the longest whole secret, that ends there. */
  readonly #longest: Int32Array;
  readonly #whole: Int32Array;
  readonly #fromRoot = new Int32Array(256);

  constructor(forms: readonly Form[]) {
    this.forms = forms;
    const states = 1 + forms.reduce((sum, { bytes }) => sum + bytes.length, 0);
    this.#first = new Int32Array(states).fill(none);
    this.#next = new Int32Array(states).fill(none);
    this.#byte = new Uint8Array(states);
    this.#fail = new Int32Array(states);
    this.#depth = new Int32Array(states);
    this.#longest = new Int32Array(states).fill(none);
    this.#whole = new Int32Array(states).fill(none);
    this.#link(this.#grow());
  }

  step(state: number, byte: number): number {
    let at = state;
    while (at !== root) {
      const child = this.#child(at, byte);
      if (child !== none) return child;
      at = this.#fail[at] as number;
    }
    return this.#fromRoot[byte] as number;
  }

  /** How many of the bytes just read may still become a form. */
  depth(state: number): number {
    return this.#depth[state] as number;
  }

  /** The longest form that ends here. */
  formAt(state: number): Form | undefined {
    return this.forms[this.#longest[state] as number];
  }

  /** The longest whole secret that ends here; lines of secrets do not count. */
  wholeAt(state: number): Form | undefined {
    return this.forms[this.#whole[state] as number];
  }

  #grow(): number {
    let states = 1;
    for (const [index, { bytes, whole }] of this.forms.entries()) {
      let state = root;
      for (const byte of bytes) {
        let child = this.#child(state, byte);
        if (child === none) {
          child = states;
          states += 1;
          this.#byte[child] = byte;
          this.#depth[child] = (this.#depth[state] as number) + 1;
          this.#next[child] = this.#first[state] as number;
          this.#first[state] = child;
        }
        state = child;
      }
      if (this.#longest[state] === none) this.#longest[state] = index;
      if (whole && this.#whole[state] === none) this.#whole[state] = index;
    }
    return states;
  }

  /** Breadth first: what a state falls back to is shorter, and so is done before it. */
  #link(states: number): void {
    const queue = new Int32Array(states);
    let end = 1;
    for (let at = 0; at < end; at += 1) {
      const state = queue[at] as number;
      for (let child = this.#first[state] as number; child !== none; child = this.#next[child] as number) {
        const byte = this.#byte[child] as number;
        if (state === root) this.#fromRoot[byte] = child;
        else this.#fail[child] = this.step(this.#fail[state] as number, byte);
        const fallback = this.#fail[child] as number;
        if (this.#longest[child] === none) this.#longest[child] = this.#longest[fallback] as number;
        if (this.#whole[child] === none) this.#whole[child] = this.#whole[fallback] as number;
        queue[end] = child;
        end += 1;
      }
    }
  }

  #child(state: number, byte: number): number {
    let child = this.#first[state] as number;
    while (child !== none && this.#byte[child] !== byte) child = this.#next[child] as number;
    return child;
  }
}
