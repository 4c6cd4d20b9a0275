import { PlatformError } from "../foundation/errors.ts";

/** A piece of a query and where it begins, from 0. */
export type QueryToken = { at: number } & (
  | { kind: "(" | ")" | "-" | "and" | "or" | "not" }
  | { kind: "word"; text: string }
  | { kind: "phrase"; text: string; prefix: boolean }
  /** `field:`; what follows is its value. */
  | { kind: "field"; name: string }
  /** `[a TO b]`, only as a value. */
  | { kind: "range"; from: string; to: string }
);

const fieldName = /([A-Za-z_][A-Za-z0-9_.-]*):/y;
const wordText = /[^\s()"]+/y;
const rangeText = /\[\s*(\S+)\s+TO\s+([^\s\]]+)\s*\]/y;
const operators = { AND: "and", OR: "or", NOT: "not" } as const;

/** Throws `invalid-input` with the place, and what would be right. */
export function queryTokens(text: string): QueryToken[] {
  const tokens: QueryToken[] = [];
  let at = 0;
  const match = (pattern: RegExp): RegExpExecArray | null => {
    pattern.lastIndex = at;
    return pattern.exec(text);
  };
  while (at < text.length) {
    const character = text[at] as string;
    const afterField = tokens.at(-1)?.kind === "field";
    if (/\s/.test(character)) {
      if (afterField) break;
      at += 1;
    } else if (character === "(" || character === ")") {
      if (afterField) break;
      tokens.push({ kind: character, at });
      at += 1;
    } else if (character === "-" && !afterField) {
      tokens.push({ kind: "-", at });
      at += 1;
    } else if (character === '"') {
      const { end, ...phrase } = readPhrase(text, at);
      tokens.push({ kind: "phrase", at, ...phrase });
      at = end;
    } else if (character === "[" && afterField) {
      const [whole, from = "", to = ""] = match(rangeText) ?? [];
      if (whole === undefined) throw wrongQuery(at, "a range is written [from TO to], such as step:[1 TO 3]");
      tokens.push({ kind: "range", from, to, at });
      at += whole.length;
    } else {
      const name = afterField ? undefined : match(fieldName)?.[1];
      const word = match(wordText)?.[0] as string;
      if (name !== undefined) tokens.push({ kind: "field", name, at });
      else if (!afterField && word in operators) tokens.push({ kind: operators[word as keyof typeof operators], at });
      else tokens.push({ kind: "word", text: word, at });
      at += name === undefined ? word.length : name.length + 1;
    }
  }
  const last = tokens.at(-1);
  if (last?.kind === "field") {
    throw wrongQuery(at, `a value follows "${last.name}:" without a space; to search for the text, quote it`);
  }
  return tokens;
}

function readPhrase(text: string, start: number): { text: string; prefix: boolean; end: number } {
  let phrase = "";
  for (let at = start + 1; at < text.length; at += 1) {
    const character = text[at] as string;
    if (character === '"') {
      const prefix = text[at + 1] === "*";
      return { text: phrase, prefix, end: at + (prefix ? 2 : 1) };
    }
    if (character === "\\") {
      at += 1;
      const escaped = text[at];
      if (escaped !== '"' && escaped !== "\\") {
        throw wrongQuery(at - 1, 'within quotes a backslash stands before " or \\ only');
      }
      phrase += escaped;
    } else phrase += character;
  }
  throw wrongQuery(start, 'this quote is not closed: a phrase ends with "');
}

/** `at` is a place in the query, from 0; people count from 1. */
export function wrongQuery(at: number, message: string): PlatformError {
  const place = `character ${at + 1} of the query`;
  return new PlatformError("invalid-input", `${place}: ${message}`, {
    problems: [{ path: `q[${at}]`, message }],
  });
}
