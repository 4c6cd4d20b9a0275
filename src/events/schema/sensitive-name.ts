const sensitive =
  /passw|passphrase|passcode|pwd|secret|token|authori[sz]ation|bearer|jwt|api[-_]?key|private[-_]?key|access[-_]?key|credential|cookie|session[-_]?id|iban|ssn|card[-_]?number|^otp$|^pin$|^cvv$|^cvc$/i;

/** A field named so may hold a secret: no value of it, nor of what lies below, is kept as an example or enumeration. */
export function isSensitiveName(name: string): boolean {
  return sensitive.test(name);
}

const secretText =
  /^eyJ[\w-]{10}|^(?:bearer|basic) |-----BEGIN |:\/\/[^/\s@]*@|[?&](?:token|sig|signature|key|secret|password)=/i;

/** Characters that are looked at: more than are ever kept of a text. */
const lookedAt = 300;

/** A text that looks like a secret wherever it stands: a signed token, a key, an address with a password in it. */
export function isSensitiveText(text: string): boolean {
  return secretText.test(text.slice(0, lookedAt));
}
