import { SqlProblem } from "./problem.ts";
import { lastLine, lineMark } from "./source-lines.ts";

/** A node of the engine's syntax tree. */
export interface Node {
  type: string;
  [field: string]: unknown;
}

/** An output expression, which becomes a placeholder and never text. */
export interface Bind extends Node {
  type: "Bind";
  form: "value" | "list" | "identifier";
  expression: Node;
  /** As a person would say it, for messages. */
  name: string;
  line: number;
}

const statements = new Set(["If", "For", "Set", "Break", "Continue", "Comment"]);
const expressions = new Set([
  "MemberExpression",
  "CallExpression",
  "Identifier",
  "IntegerLiteral",
  "FloatLiteral",
  "StringLiteral",
  "ArrayLiteral",
  "TupleLiteral",
  "ObjectLiteral",
  "BinaryExpression",
  "FilterExpression",
  "SelectExpression",
  "TestExpression",
  "UnaryExpression",
  "SliceExpression",
  "KeywordArgumentExpression",
  "Ternary",
]);
const filters = new Set(
  "abs capitalize default first float int items join last length list lower map rejectattr replace reverse selectattr sort string title tojson trim unique upper".split(
    " ",
  ),
);
const methods = new Set(
  "capitalize endswith get items keys lower lstrip replace rstrip split startswith strip title upper values".split(" "),
);
const maxDepth = 200;

/**
 * Holds a parsed template to the part of the language that values cannot turn into SQL with, and makes
 * each output expression a `Bind`. Macros, calls, set blocks and filter blocks, which catch text in a
 * value, are refused. Returns the names that the template reads.
 */
export function applyRules(program: Node): Set<string> {
  const names = new Set<string>();
  let line = 1;

  function block(body: Node[], depth: number): void {
    body.forEach((node, index) => {
      if (node.type === "StringLiteral" && String(node.value).includes(lineMark)) {
        line = lastLine(String(node.value)) ?? line;
      } else if (statements.has(node.type)) statement(node, depth);
      else if (expressions.has(node.type)) body[index] = bind(node, depth);
      else throw new SqlProblem(line, `${spoken(node.type)} do not exist in SQL templates`);
    });
  }

  function statement(node: Node, depth: number): void {
    if (depth > maxDepth) throw new SqlProblem(line, `blocks are nested more than ${maxDepth} deep`);
    if (node.type === "If") {
      expression(node.test as Node, depth);
      block(node.body as Node[], depth + 1);
      block(node.alternate as Node[], depth + 1);
    } else if (node.type === "For") {
      expression(node.loopvar as Node, depth);
      expression(node.iterable as Node, depth);
      block(node.body as Node[], depth + 1);
      block(node.defaultBlock as Node[], depth + 1);
    } else if (node.type === "Set") {
      if (!node.value)
        throw new SqlProblem(line, "set blocks do not exist in SQL templates; write {% set name = value %}");
      expression(node.assignee as Node, depth);
      expression(node.value as Node, depth);
    }
  }

  function bind(node: Node, depth: number): Bind {
    const filter = node.type === "FilterExpression" ? (node.filter as Node).value : undefined;
    const form = filter === "list" || filter === "identifier" ? filter : "value";
    const inner = form === "value" ? node : (node.operand as Node);
    expression(inner, depth);
    return { type: "Bind", form, expression: inner, name: nameOf(inner), line };
  }

  function expression(node: Node, depth: number): void {
    if (depth > maxDepth) throw new SqlProblem(line, `an expression is nested more than ${maxDepth} deep`);
    if (!expressions.has(node.type)) throw new SqlProblem(line, `${spoken(node.type)} do not exist in SQL templates`);
    if (node.type === "Identifier") names.add(String(node.value));
    if (node.type === "FilterExpression") {
      filterIsKnown(node.filter as Node);
      expression(node.operand as Node, depth + 1);
      if ((node.filter as Node).type === "CallExpression") each((node.filter as Node).args, depth);
      return;
    }
    if (node.type === "TestExpression") {
      expression(node.operand as Node, depth + 1);
      return;
    }
    if (node.type === "CallExpression") callIsKnown(node.callee as Node);
    // A name after a dot is no variable, nor is that of an argument.
    if (node.type === "MemberExpression" && !node.computed) each(node.object, depth);
    else if (node.type === "KeywordArgumentExpression") each(node.value, depth);
    else for (const value of Object.values(node)) each(value, depth);
  }

  function each(value: unknown, depth: number): void {
    if (value instanceof Map) for (const pair of value) each(pair, depth);
    else if (Array.isArray(value)) for (const item of value) each(item, depth);
    else if (isNode(value)) expression(value, depth + 1);
  }

  function filterIsKnown(filter: Node): void {
    const name = String(filter.type === "CallExpression" ? (filter.callee as Node).value : filter.value);
    if (name === "identifier")
      throw new SqlProblem(line, "the filter 'identifier' stands last in {{ }} and nowhere else");
    if (!filters.has(name)) {
      throw new SqlProblem(line, `there is no filter '${name}'; there are ${[...filters].join(", ")} and identifier`);
    }
  }

  function callIsKnown(callee: Node): void {
    if (callee.type === "Identifier" && callee.value === "range") return;
    const method =
      callee.type === "MemberExpression" && !callee.computed ? String((callee.property as Node).value) : undefined;
    if (method !== undefined && methods.has(method)) return;
    throw new SqlProblem(line, `'${nameOf(callee)}' cannot be called; range and ${[...methods].join(", ")} can`);
  }

  block(program.body as Node[], 0);
  return names;
}

/** The engine's operators are tokens: they have a type, and are no part of the tree. */
function isNode(value: unknown): value is Node {
  return typeof value === "object" && value !== null && value.constructor.name !== "Token" && "type" in value;
}

function spoken(type: string): string {
  return `${type.replaceAll(/(?<=[a-z])(?=[A-Z])/g, " ").toLowerCase()}s`;
}

/** `params.city`, or a word for what has no name. */
export function nameOf(node: Node): string {
  switch (node.type) {
    case "Identifier":
      return String(node.value);
    case "MemberExpression": {
      const property = node.property as Node;
      const object = nameOf(node.object as Node);
      if (!node.computed) return `${object}.${property.value}`;
      return property.type === "StringLiteral" || property.type === "IntegerLiteral"
        ? `${object}[${JSON.stringify(property.value)}]`
        : `${object}[...]`;
    }
    case "FilterExpression":
      return nameOf(node.operand as Node);
    case "CallExpression":
      return `${nameOf(node.callee as Node)}()`;
    default:
      return "the expression";
  }
}
