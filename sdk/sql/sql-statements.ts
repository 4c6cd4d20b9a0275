import { SqlProblem } from "./problem.ts";
import { bindMark, unmarkLines } from "./source-lines.ts";

export type Dialect = "sqlite" | "postgres";

export interface SqlStatement {
  /** With the database's placeholders, without the semicolon. */
  text: string;
  /** Indexes into the values of the file; the nth belongs to `?n` or `$n`. */
  binds: number[];
  line: number;
  /** Its words outside of quotes and comments, in lower case: what it does, without what it says. */
  words: string[];
}

/**
 * Splits rendered SQL at its semicolons. A placeholder inside quotes or a comment would not be bound,
 * so it is refused; so are placeholders that the script writes itself, which nothing would fill.
 * Whatever this reads otherwise than the database does, a value still cannot become SQL: it is not in the text.
 */
export function splitStatements(marked: string, dialect: Dialect): SqlStatement[] {
  const { text, lineOf } = unmarkLines(marked);
  const statements: SqlStatement[] = [];
  let pieces: string[] = [];
  let binds: number[] = [];
  let words: string[] = [];
  let start: number | undefined;
  /** Open BEGIN and CASE inside of a body that holds semicolons of its own. */
  let depth = 0;

  const finish = () => {
    const body = pieces.join("").trim();
    if (words.length > 0 || binds.length > 0) {
      statements.push({ text: body, binds, line: lineOf(start ?? 0), words });
    }
    pieces = [];
    binds = [];
    words = [];
    start = undefined;
    depth = 0;
  };

  for (const { kind, at, value } of tokensOf(text, dialect)) {
    const line = () => lineOf(at);
    if (kind !== "space" && kind !== "comment") start ??= at;
    if (kind === "quoted" || kind === "comment") {
      if (value.includes(bindMark)) {
        const where = kind === "comment" ? "a comment" : "quotes";
        throw new SqlProblem(
          line(),
          `{{ }} stands inside ${where}, where nothing is bound; write it without, the value is quoted by itself`,
        );
      }
      if (kind === "quoted" && isUnclosed(value))
        throw new SqlProblem(line(), `a quote is not closed: ${value.slice(0, 40)}`);
    }
    if (kind === "bind") {
      pieces.push(`${dialect === "sqlite" ? "?" : "$"}${binds.push(Number(value))}`);
      continue;
    }
    if (kind === "parameter") {
      throw new SqlProblem(
        line(),
        `'${value}' is a placeholder that nothing fills; write the value as {{ params.name }}`,
      );
    }
    if (kind === "semicolon" && depth === 0) {
      finish();
      continue;
    }
    if (kind === "word") {
      words.push(value.toLowerCase());
      depth = depthAfter(words, depth);
    }
    // A comment becomes a space: what stands in it is nobody's business further on.
    pieces.push(kind === "comment" ? " " : value);
  }
  finish();
  return statements;
}

function depthAfter(words: readonly string[], depth: number): number {
  if (words[0] !== "create") return 0;
  const word = words.at(-1);
  const hasBody = words.includes("trigger") || (words.at(-2) === "begin" && word === "atomic") || depth > 0;
  if (word === "atomic" && words.at(-2) === "begin") return 1;
  if (words.includes("trigger") && word === "begin") return depth + 1;
  if (depth > 0 && word === "case") return depth + 1;
  return hasBody && word === "end" ? Math.max(0, depth - 1) : depth;
}

interface SqlToken {
  kind: "space" | "comment" | "quoted" | "bind" | "parameter" | "semicolon" | "word" | "other";
  at: number;
  value: string;
}

function* tokensOf(text: string, dialect: Dialect): Generator<SqlToken> {
  for (let at = 0; at < text.length; ) {
    const [kind, value] = tokenAt(text, at, dialect);
    yield kind === "bind" ? { kind, at, value: value.slice(1, -1) } : { kind, at, value };
    at += value.length;
  }
}

const patterns: [SqlToken["kind"], RegExp, Dialect?][] = [
  // biome-ignore lint/suspicious/noControlCharactersInRegex: the mark is one
  ["bind", /\u0002\d+\u0002/y],
  ["space", /\s+/y],
  ["comment", /--[^\n]*/y],
  ["quoted", /e'(?:[^'\\]|''|\\[\s\S])*(?:'|$)/iy, "postgres"],
  ["quoted", /(?:x)?'(?:[^']|'')*(?:'|$)/iy],
  ["quoted", /"(?:[^"]|"")*(?:"|$)/y],
  ["quoted", /`(?:[^`]|``)*(?:`|$)/y, "sqlite"],
  ["quoted", /\[[^\]]*(?:\]|$)/y, "sqlite"],
  ["quoted", /\$(\w*)\$[\s\S]*?(?:\$\1\$|$)/y, "postgres"],
  ["parameter", /\$\d+/y, "postgres"],
  ["parameter", /\?\d*|[$@:#][A-Za-z_][\w$]*/y, "sqlite"],
  ["semicolon", /;/y],
  ["word", /[\p{L}_][\p{L}\p{N}_$]*/uy],
  ["other", /\d[\w.]*|::|[\s\S]/y],
];

function tokenAt(text: string, at: number, dialect: Dialect): [SqlToken["kind"], string] {
  if (text.startsWith("/*", at)) return ["comment", text.slice(at, endOfComment(text, at, dialect))];
  for (const [kind, pattern, only] of patterns) {
    if (only !== undefined && only !== dialect) continue;
    pattern.lastIndex = at;
    const found = pattern.exec(text);
    if (found) return [kind, found[0]];
  }
  return ["other", text[at] as string];
}

/** PostgreSQL's comments nest; one that is not closed runs to the end, as SQLite has it. */
function endOfComment(text: string, start: number, dialect: Dialect): number {
  let depth = 1;
  for (let at = start + 2; at < text.length; at += 1) {
    if (text.startsWith("*/", at)) {
      depth -= 1;
      if (depth === 0) return at + 2;
      at += 1;
    } else if (dialect === "postgres" && text.startsWith("/*", at)) {
      depth += 1;
      at += 1;
    }
  }
  return text.length;
}

function isUnclosed(quoted: string): boolean {
  const opening = /^(?:[ex]?)(\$\w*\$|.)/i.exec(quoted)?.[1] ?? quoted;
  const closing = opening === "[" ? "]" : opening;
  return quoted.length < quoted.indexOf(opening) + opening.length + closing.length || !quoted.endsWith(closing);
}
