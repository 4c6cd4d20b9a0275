/**
 * What a script wrote, for a terminal: it must not move the cursor, change colours or ring the bell. Line
 * breaks of every kind become line feeds; other control characters are shown as U+FFFD.
 */
export function safe(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is replaced.
  return text.replaceAll(/\r\n?/g, "\n").replaceAll(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g, "\ufffd");
}
