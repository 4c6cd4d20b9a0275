// Scripts that write no spaces between words: each of their characters is a word, so that a part of a sentence is found.
const unspaced = "[\\p{scx=Han}\\p{scx=Hira}\\p{scx=Kana}\\p{scx=Thai}]&&[\\p{L}\\p{M}\\p{N}]";
const word = new RegExp(`[${unspaced}]|[[\\p{L}\\p{M}\\p{N}_]--[${unspaced}]]+`, "gv");
// biome-ignore lint/suspicious/noControlCharactersInRegex: the range is ASCII.
const onlyAscii = /^[\x00-\x7f]*$/;

/** The words of a text: letters, digits and `_`, in lower case. What lies between them only parts them. */
export function wordsOf(text: string): string[] {
  if (onlyAscii.test(text)) return text.toLowerCase().match(/[a-z0-9_]+/g) ?? [];
  return text.normalize("NFC").toLowerCase().match(word) ?? [];
}

export function isAscii(text: string): boolean {
  return onlyAscii.test(text);
}
