const unreservedButPercentEncoded = /[^A-Za-z0-9\-._~]/gu;
/** What encoders leave alone besides the unreserved: nothing (RFC 3986), Python's `quote`, JavaScript's `encodeURIComponent`. */
const leftAlone = ["", "/", "!'()*"];

/**
 * Encoded alone, with and without padding; and inside of something longer, where three bytes become
 * four characters and the text may begin at any of the three. The one character at either end
 * that neighbours have a part in is not known; it holds at most four bits of the secret.
 */
export function base64Forms(bytes: Buffer): string[] {
  const forms: string[] = [];
  const padded = bytes.toString("base64");
  forms.push(padded, padded.replace(/=+$/, ""));
  for (const before of [0, 1, 2]) {
    const encoded = Buffer.concat([Buffer.alloc(before), bytes])
      .toString("base64")
      .replace(/=+$/, "");
    const first = Math.ceil((before * 8) / 6);
    const end = Math.floor(((before + bytes.length) * 8) / 6);
    forms.push(encoded.slice(first, end));
  }
  return [...forms, ...forms.map((form) => form.replaceAll("+", "-").replaceAll("/", "_"))];
}

export function urlForms(text: string): string[] {
  return leftAlone.flatMap((alone) =>
    ["%20", "+"].flatMap((space) => {
      const encoded = text.replaceAll(unreservedButPercentEncoded, (character) =>
        character === " " ? space : alone.includes(character) ? character : percentOf(character),
      );
      return [encoded, encoded.replaceAll(/%[0-9A-F]{2}/g, (hex) => hex.toLowerCase())];
    }),
  );
}

function percentOf(character: string): string {
  return [...Buffer.from(character)].map((byte) => `%${byte.toString(16).toUpperCase().padStart(2, "0")}`).join("");
}

export function hexForms(bytes: Buffer): string[] {
  const hex = bytes.toString("hex");
  return [hex, hex.toUpperCase()];
}
