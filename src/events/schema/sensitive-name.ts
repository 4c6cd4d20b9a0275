const sensitive =
  /passw|passphrase|secret|token|authori[sz]ation|api[-_]?key|private[-_]?key|access[-_]?key|credential|cookie|^pin$|^cvv$|^cvc$/i;

/** A field named so may hold a secret: no value of it, nor of what lies below, is kept as an example or enumeration. */
export function isSensitiveName(name: string): boolean {
  return sensitive.test(name);
}
