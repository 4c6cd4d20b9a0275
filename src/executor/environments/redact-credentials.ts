/** Replaces passwords and tokens in what a tool says: those that are known, and whatever an address carries before its host. */
export function credentialRedactor(credentials: readonly string[]): (text: string) => string {
  // In addresses they stand percent-encoded, and tools also print them decoded.
  const known = [...new Set(credentials.flatMap((value) => [value, decoded(value), encodeURIComponent(value)]))];
  // Longest first: one may begin like another. Text of fewer than three characters would hide half of every line.
  const longest = known.filter((value) => value.length > 2).sort((left, right) => right.length - left.length);
  return (text) => {
    const addressed = text.replace(/(\w:\/\/)[^\s/@]+@/g, "$1[redacted]@");
    return longest.reduce((shown, value) => shown.replaceAll(value, "[redacted]"), addressed);
  };
}

function decoded(value: string): string {
  try {
    return decodeURIComponent(value);
  } catch {
    return value;
  }
}
