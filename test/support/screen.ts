import { stripVTControlCharacters } from "node:util";

/** What a person sees in the end of bytes that a terminal was sent, which may go up, erase what is below, and be coloured. */
export function screenOf(sent: string): string[] {
  const rows: string[] = [""];
  let row = 0;
  // biome-ignore lint/suspicious/noControlCharactersInRegex: it is what terminals are told with
  for (const [piece] of sent.matchAll(/\x1b\[\d*A|\x1b\[J|\r|\n|(?:(?!\x1b\[\d*A|\x1b\[J)[^\r\n])+/g)) {
    if (piece === "\n") row += 1;
    else if (piece === "\x1b[J") rows.length = row;
    else if (piece.endsWith("A") && piece.startsWith("\x1b[")) row = Math.max(0, row - Number(piece.slice(2, -1) || 1));
    else if (piece !== "\r") rows[row] = (rows[row] ?? "") + stripVTControlCharacters(piece);
    rows[row] ??= "";
  }
  return rows;
}
