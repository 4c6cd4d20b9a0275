import { readFieldRange, readFieldValue } from "./field-values.ts";
import type { QueryFields } from "./query-fields.ts";
import { allOf, anyOf, type QueryNode } from "./query-node.ts";
import { type QueryToken, queryTokens, wrongQuery } from "./query-tokens.ts";
import { wordsOf } from "./words.ts";

export const maxQueryLength = 4000;
const maxDepth = 30;
const maxTerms = 200;

/**
 * Reads the query language (docs/reference/log-query.md) for something with these fields. An empty text asks for
 * everything. Throws only `invalid-input`, which names the character and what would be right.
 */
export function parseQuery(text: string, fields: QueryFields): QueryNode {
  if (text.length > maxQueryLength)
    throw wrongQuery(maxQueryLength, `a query has at most ${maxQueryLength} characters`);
  const parser = new QueryParser(queryTokens(text), fields, text.length);
  return parser.whole();
}

class QueryParser {
  readonly #tokens: readonly QueryToken[];
  readonly #fields: QueryFields;
  readonly #end: number;
  #next = 0;
  #depth = 0;
  #terms = 0;

  constructor(tokens: readonly QueryToken[], fields: QueryFields, end: number) {
    this.#tokens = tokens;
    this.#fields = fields;
    this.#end = end;
  }

  whole(): QueryNode {
    if (this.#tokens.length === 0) return { kind: "all" };
    const node = this.#or();
    const rest = this.#tokens[this.#next];
    if (rest) throw wrongQuery(rest.at, 'this ")" closes nothing: remove it, or put "(" before');
    return node;
  }

  #or(): QueryNode {
    const nodes = [this.#and()];
    while (this.#take("or")) nodes.push(this.#and());
    return anyOf(nodes);
  }

  #and(): QueryNode {
    const nodes = [this.#unary()];
    for (;;) {
      const kind = this.#peek()?.kind;
      if (kind === undefined || kind === "or" || kind === ")") return allOf(nodes);
      if (kind === "and") this.#next += 1;
      nodes.push(this.#unary());
    }
  }

  #unary(): QueryNode {
    const token = this.#peek();
    if (token === undefined) throw wrongQuery(this.#end, "something to search for is missing here");
    this.#next += 1;
    switch (token.kind) {
      case "-":
      case "not":
        return this.#deeper(token.at, () => ({ kind: "not", of: this.#unary() }));
      case "(":
        return this.#deeper(token.at, () => this.#group(token.at));
      case "word":
        return this.#word(token);
      case "phrase":
        return this.#text(token.text, token.prefix, token.at);
      case "field":
        return this.#field(token);
      default:
        throw wrongQuery(token.at, `before ${shown(token)} something to search for is missing`);
    }
  }

  #group(at: number): QueryNode {
    const node = this.#or();
    if (!this.#take(")")) throw wrongQuery(at, 'this "(" is not closed: put ")" after the group');
    return node;
  }

  #word({ text, at }: { text: string; at: number }): QueryNode {
    this.#count(at);
    if (text === "*") return { kind: "all" };
    const star = text.indexOf("*");
    if (star >= 0 && star < text.length - 1) {
      throw wrongQuery(at + star, 'a "*" stands only at the end of a word, such as conn*');
    }
    return this.#text(star < 0 ? text : text.slice(0, star), star >= 0, at);
  }

  #text(text: string, prefix: boolean, at: number): QueryNode {
    this.#count(at);
    if (wordsOf(text).length === 0) throw wrongQuery(at, "there is no letter or digit to search for in this");
    return { kind: "text", text, prefix };
  }

  #field({ name, at }: { name: string; at: number }): QueryNode {
    this.#count(at);
    const type = Object.hasOwn(this.#fields, name) ? this.#fields[name] : undefined;
    if (type === undefined) {
      const known = Object.keys(this.#fields).join(", ");
      throw wrongQuery(
        at,
        `"${name}" is no field: there are ${known}; to search for the text, quote it: "${name}:..."`,
      );
    }
    // The reader of tokens lets nothing but a value follow a field.
    const value = this.#tokens[this.#next] as QueryToken;
    this.#next += 1;
    if (value.kind === "range") return readFieldRange(name, type, value);
    if (value.kind === "phrase") return readFieldValue(name, type, { ...value, quoted: true });
    if (value.kind === "word") return readFieldValue(name, type, { ...value, prefix: false, quoted: false });
    throw wrongQuery(value.at, `a value follows "${name}:"`);
  }

  #deeper(at: number, read: () => QueryNode): QueryNode {
    if (this.#depth >= maxDepth) throw wrongQuery(at, `groups and negations may be nested ${maxDepth} deep`);
    this.#depth += 1;
    const node = read();
    this.#depth -= 1;
    return node;
  }

  #count(at: number): void {
    this.#terms += 1;
    if (this.#terms > maxTerms) throw wrongQuery(at, `a query has at most ${maxTerms} terms`);
  }

  #peek(): QueryToken | undefined {
    return this.#tokens[this.#next];
  }

  #take(kind: QueryToken["kind"]): boolean {
    const taken = this.#peek()?.kind === kind;
    if (taken) this.#next += 1;
    return taken;
  }
}

function shown({ kind }: QueryToken): string {
  return kind === "and" || kind === "or" ? kind.toUpperCase() : `"${kind}"`;
}
