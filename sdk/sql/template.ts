import { Environment, Interpreter, parse, type RuntimeValue, type Scope, tokenize } from "./engine.ts";
import { SqlProblem } from "./problem.ts";
import { bindMark, lineMark, markLines, type Tag } from "./source-lines.ts";
import { applyRules, type Bind, type Node, nameOf } from "./template-rules.ts";

export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

/** SQL with its line marks, and `bindMark n bindMark` where the nth of `values` belongs. */
export interface Rendered {
  marked: string;
  values: Json[];
}

const maxSteps = 1_000_000;
const maxTextLength = 1024 * 1024;
const maxValues = 30_000;
const maxRange = 100_000;
const namePattern = /^[A-Za-z_][A-Za-z0-9_]{0,62}(\.[A-Za-z_][A-Za-z0-9_]{0,62}){0,2}$/;

/** A parsed `.sql` file. Values reach the database by binding only, whatever they hold (rule S4). */
export class SqlTemplate {
  readonly #program: Node;
  /** Names that it reads, e.g. `params`. */
  readonly names: ReadonlySet<string>;
  /** Its text with every output bound, whatever the branches: for a look before it runs. */
  readonly sketch: string;

  /** Throws SqlProblem. */
  constructor(source: string) {
    const { marked, tags } = markLines(source);
    this.#program = parseMarked(marked, tags);
    this.names = applyRules(this.#program);
    let outputs = 0;
    let end = 0;
    this.sketch = "";
    for (const tag of tags) {
      this.sketch += marked.slice(end, tag.markedEnd - tag.text.length);
      if (tag.kind === "{{") this.sketch += `${bindMark}${outputs++}${bindMark}`;
      end = tag.markedEnd;
    }
    this.sketch += marked.slice(end);
  }

  /** `empty`: what an empty list becomes; undefined: it is refused. Throws SqlProblem. */
  render(context: Record<string, Json>, emptyList: string | undefined): Rendered {
    const binder = new Binder(emptyList);
    return { marked: binder.render(this.#program, context), values: binder.values };
  }
}

/** Runs the tree; every output leaves a mark in the text, and its value in `values`. */
class Binder extends Interpreter {
  readonly values: Json[] = [];
  readonly #emptyList: string | undefined;
  #steps = 0;
  #textLength = 0;
  #line = 1;

  constructor(emptyList: string | undefined) {
    super(environment());
    this.#emptyList = emptyList;
  }

  render(program: Node, context: Record<string, Json>): string {
    for (const [name, value] of Object.entries(context)) this.global.set(name, bare(value));
    try {
      return String(this.run(program).value);
    } catch (error) {
      if (error instanceof SqlProblem) throw error;
      throw new SqlProblem(this.#line, `the template failed: ${(error as Error).message}`);
    }
  }

  override evaluate(statement: Node, scope: Scope): RuntimeValue {
    this.#steps += 1;
    if (this.#steps > maxSteps) throw new SqlProblem(this.#line, `the template takes more than ${maxSteps} steps`);
    if (statement?.type === "Bind") return this.#bind(statement as Bind, scope);
    if (statement?.type === "StringLiteral" && String(statement.value).includes(lineMark)) {
      this.#count(String(statement.value).length);
    }
    if (statement?.type === "BinaryExpression" || statement?.type === "FilterExpression")
      this.#requireOperands(statement, scope);
    return super.evaluate(statement, scope);
  }

  #bind(node: Bind, scope: Scope): RuntimeValue {
    this.#line = node.line;
    const value = this.evaluate(node.expression, scope);
    if (value.type === "UndefinedValue") throw this.#undefined(node.name);
    return asText(this.#text(node, plain(value, node)));
  }

  #text(node: Bind, value: Json): string {
    if (node.form === "identifier") return this.#count(identifier(node, value));
    if (node.form === "value") return this.#placeholder(value);
    if (!Array.isArray(value)) throw new SqlProblem(node.line, `${node.name} is no list, and '| list' needs one`);
    if (value.length > 0) return `(${value.map((item) => this.#placeholder(item)).join(", ")})`;
    if (this.#emptyList !== undefined) return this.#emptyList;
    throw new SqlProblem(
      node.line,
      `the list ${node.name} is empty, which this database cannot compare with; ask for it before: {% if ${node.name} %}`,
    );
  }

  #placeholder(value: Json): string {
    if (this.values.length === maxValues) throw new SqlProblem(this.#line, `more than ${maxValues} values are bound`);
    return this.#count(`${bindMark}${this.values.push(value) - 1}${bindMark}`);
  }

  #count<T extends string | number>(added: T): T {
    this.#textLength += typeof added === "number" ? added : added.length;
    if (this.#textLength <= maxTextLength) return added;
    throw new SqlProblem(this.#line, `the SQL is longer than ${maxTextLength} characters`);
  }

  /** What is not there is not calculated with: it would turn into text, or into false. */
  #requireOperands(node: Node, scope: Scope): void {
    const operator = (node.operator as { value: string } | undefined)?.value ?? "";
    if (["and", "or", "==", "!=", "in", "not in"].includes(operator)) return;
    const filter = node.filter as Node | undefined;
    if ((filter?.type === "CallExpression" ? (filter.callee as Node).value : filter?.value) === "default") return;
    for (const operand of [node.left, node.right, node.operand] as (Node | undefined)[]) {
      if (operand?.type !== "Identifier" && operand?.type !== "MemberExpression") continue;
      if (this.evaluate(operand, scope).type === "UndefinedValue") throw this.#undefined(nameOf(operand));
    }
  }

  #undefined(name: string): SqlProblem {
    return new SqlProblem(
      this.#line,
      `${name} is not defined; write {{ ${name} | default(none) }} where it may be missing`,
    );
  }
}

function environment(): Scope {
  const made = new Environment();
  for (const [name, value] of [
    ["true", true],
    ["false", false],
    ["none", null],
  ] as const) {
    made.set(name, value);
    made.set(`${name[0]?.toUpperCase()}${name.slice(1)}`, value);
  }
  made.set("range", range);
  return made;
}

function range(...bounds: unknown[]): number[] {
  const [first, second, step = 1] = bounds.filter((bound) => typeof bound === "number");
  const [from, to] = second === undefined ? [0, first] : [first, second];
  if (from === undefined || to === undefined || step === 0) throw new Error("range takes one to three whole numbers");
  const length = Math.max(0, Math.ceil((to - from) / step));
  if (!(length <= maxRange)) throw new Error(`range of ${length} numbers; at most ${maxRange}`);
  return Array.from({ length }, (_, index) => from + index * step);
}

/** A copy that inherits nothing, so that no name leads out of the data. */
function bare(value: Json): Json {
  if (Array.isArray(value)) return value.map(bare);
  if (typeof value !== "object" || value === null) return value;
  return Object.assign(
    Object.create(null),
    Object.fromEntries(Object.entries(value).map(([key, item]) => [key, bare(item)])),
  );
}

/** The engine's class for text, which it does not export. */
function asText(text: string): RuntimeValue {
  return new Environment().set("text", text);
}

function plain(found: RuntimeValue, node: Bind): Json {
  const { type, value } = found;
  switch (type) {
    case "NullValue":
    case "UndefinedValue":
      return null;
    case "IntegerValue":
    case "FloatValue":
      if (Number.isFinite(value)) return value as number;
      throw new SqlProblem(node.line, `${node.name} is not a finite number`);
    case "BooleanValue":
    case "StringValue":
      return value as boolean | string;
    case "ArrayValue":
    case "TupleValue":
      return (value as RuntimeValue[]).map((item) => plain(item, node));
    case "ObjectValue":
      return Object.fromEntries(
        [...(value as Map<string, RuntimeValue>)].map(([key, item]) => [key, plain(item, node)]),
      );
    default:
      throw new SqlProblem(node.line, `${node.name} is not a value that can be bound`);
  }
}

function identifier(node: Bind, value: Json): string {
  if (typeof value === "string" && namePattern.test(value)) {
    return value
      .split(".")
      .map((part) => `"${part}"`)
      .join(".");
  }
  const shown = JSON.stringify(value)?.slice(0, 80);
  throw new SqlProblem(
    node.line,
    `${node.name} is ${shown}, which is no name: letters, digits and underscores, at most 63, parts joined by dots`,
  );
}

function parseMarked(marked: string, tags: readonly Tag[]): Node {
  try {
    return parseText(marked);
  } catch (error) {
    throw located(marked, tags, error as Error);
  }
}

function parseText(marked: string): Node {
  const tokens = tokenize(marked);
  for (const { type, value } of tokens) {
    // Text is told from quoted strings by its line marks, so none can be written into a string.
    if (type === "StringLiteral" && (value.includes(lineMark) || value.includes(bindMark))) {
      throw new Error("a string with a control character");
    }
  }
  return parse(tokens);
}

/** The engine names no place. The first tag up to which the template cannot be read, all open blocks closed, is it. */
function located(marked: string, tags: readonly Tag[], error: Error): SqlProblem {
  const open: Tag[] = [];
  for (const tag of tags) {
    const word = /^\{%-?\s*(\w+)/.exec(tag.text)?.[1];
    if (word === "if" || word === "for") open.push(tag);
    const isEnd = word === "endif" || word === "endfor";
    if (isEnd && open.length === 0) return new SqlProblem(tag.line, `'${word}' closes nothing`);
    if (isEnd) open.pop();
    const closers = open.map(({ text }) => (/^\{%-?\s*if/.test(text) ? "{% endif %}" : "{% endfor %}")).reverse();
    try {
      parseText(marked.slice(0, tag.markedEnd) + closers.join(""));
    } catch (found) {
      return new SqlProblem(tag.line, `${tag.text.slice(0, 80)} cannot be read: ${(found as Error).message}`);
    }
  }
  const [unclosed] = open.slice(-1);
  if (unclosed) return new SqlProblem(unclosed.line, `${unclosed.text.slice(0, 80)} is not closed`);
  return new SqlProblem(1, `the template cannot be read: ${error.message}`);
}
