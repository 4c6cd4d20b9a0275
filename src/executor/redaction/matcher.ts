import { minRedactedLength } from "../../config-store/vault.ts";
import { Automaton } from "./automaton.ts";
import type { Form } from "./forms.ts";
import { lettersBeforeBreak, Scan } from "./scan.ts";

/** Looks for forms of secrets: each as it is, and those that encoders wrap also across breaks of lines. */
export class Matcher {
  readonly forms: readonly Form[];
  readonly plain: Automaton;
  readonly wrapped: Automaton;
  /** Kept, since it is as large as the longest form, and events have many strings. */
  #finding: Scan | undefined;

  constructor(forms: readonly Form[]) {
    this.forms = forms;
    this.plain = new Automaton(forms);
    this.wrapped = new Automaton(forms.filter(({ wraps }) => wraps).flatMap((form) => [form, ...brokenEarly(form)]));
  }

  get isEmpty(): boolean {
    return this.forms.length === 0;
  }

  /** The first whole secret in the bytes; lines of secrets do not count. */
  find(bytes: Uint8Array): Form | undefined {
    if (this.isEmpty) return undefined;
    this.#finding ??= new Scan(this);
    const scan = this.#finding;
    scan.restart();
    for (const [at, byte] of bytes.entries()) {
      if (!scan.step(byte, at)) continue;
      const found = this.plain.wholeAt(scan.plain) ?? this.wrapped.wholeAt(scan.wrapped);
      if (found) return found;
    }
    return undefined;
  }
}

/** What is left of a form after a break that comes too soon to be passed over. */
function brokenEarly(form: Form): Form[] {
  const bytes = form.bytes.subarray(lettersBeforeBreak - 1);
  return bytes.length < minRedactedLength ? [] : [{ ...form, bytes }];
}

export const noSecrets = new Matcher([]);
