import { SqlProblem } from "./problem.ts";

/** Around the number of a line, in text on its way through the template engine. No file and no bound value gets here with one. */
export const lineMark = "\u0001";
/** Around the number of a bound value. */
export const bindMark = "\u0002";

const openings = { "{{": "}}", "{%": "%}", "{#": "#}" } as const;

/** A tag as it stands in the file. */
export interface Tag {
  kind: keyof typeof openings;
  text: string;
  line: number;
  /** Where it ends in `marked`. */
  markedEnd: number;
}

/** The file with its line numbers written into it, because the engine keeps none; and its tags. */
export function markLines(source: string): { marked: string; tags: Tag[] } {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are the characters to refuse
  const control = /[\u0000-\u0008]/.exec(source);
  if (control) throw new SqlProblem(lineAt(source, control.index), "a control character, which SQL has no use for");
  const tags: Tag[] = [];
  const pieces: string[] = [];
  let length = 0;
  const write = (text: string) => {
    pieces.push(text);
    length += text.length;
  };
  let line = 1;
  let at = 0;
  write(mark(line));
  while (at < source.length) {
    const kind = source.slice(at, at + 2) as Tag["kind"];
    if (kind in openings) {
      const text = source.slice(at, endOfTag(source, at, kind, line));
      write(text);
      tags.push({ kind, text, line, markedEnd: length });
      at += text.length;
      line += text.split("\n").length - 1;
      write(mark(line));
      continue;
    }
    const character = source[at] as string;
    at += 1;
    write(character);
    if (character === "\n") {
      line += 1;
      write(mark(line));
    }
  }
  return { marked: pieces.join(""), tags };
}

/** Takes the marks out again. `lineOf` answers for positions of the text without them. */
export function unmarkLines(marked: string): { text: string; lineOf(offset: number): number } {
  const starts: { offset: number; line: number }[] = [];
  let text = "";
  marked.split(lineMark).forEach((piece, index) => {
    if (index % 2 === 1) starts.push({ offset: text.length, line: Number(piece) });
    else text += piece;
  });
  return {
    text,
    lineOf: (offset) => starts.findLast((start) => start.offset <= offset)?.line ?? 1,
  };
}

/** The last line that `marked` names. */
export function lastLine(marked: string): number | undefined {
  const found = marked.split(lineMark).at(-2);
  return found === undefined ? undefined : Number(found);
}

function mark(line: number): string {
  return `${lineMark}${line}${lineMark}`;
}

function endOfTag(source: string, start: number, kind: Tag["kind"], line: number): number {
  const closing = openings[kind];
  if (kind === "{#") {
    const end = source.indexOf(closing, start + 2);
    if (end < 0) throw new SqlProblem(line, "'{#' is not closed with '#}'");
    return end + 2;
  }
  let depth = 0;
  for (let at = start + 2; at < source.length; at += 1) {
    const character = source[at];
    if (character === "'" || character === '"') {
      at = endOfString(source, at);
      if (at < 0) break;
    } else if (depth === 0 && source.startsWith(closing, at)) return at + 2;
    else if (character === "{") depth += 1;
    else if (character === "}" && depth > 0) depth -= 1;
  }
  throw new SqlProblem(line, `'${kind}' is not closed with '${closing}'`);
}

function endOfString(source: string, start: number): number {
  for (let at = start + 1; at < source.length; at += 1) {
    if (source[at] === "\\") at += 1;
    else if (source[at] === source[start]) return at;
  }
  return -1;
}

function lineAt(source: string, offset: number): number {
  return source.slice(0, offset).split("\n").length;
}
