import * as jinja from "@huggingface/jinja";
import type { Node } from "./template-rules.ts";

/** A value of the engine while it runs. */
export interface RuntimeValue {
  type: string;
  value: unknown;
}

export interface Scope {
  /** Declares a variable; answers it as the engine holds it. */
  set(name: string, value: unknown): RuntimeValue;
}

interface EngineInterpreter {
  global: Scope;
  run(program: Node): RuntimeValue;
  evaluate(node: Node, scope: Scope): RuntimeValue;
}

interface Engine {
  Environment: new () => Scope;
  Interpreter: new (scope: Scope) => EngineInterpreter;
  tokenize(source: string): { type: string; value: string }[];
  parse(tokens: { type: string; value: string }[]): Node;
}

/** What is used of the engine. Its own types cannot be resolved from a module of Node's. */
export const { Environment, Interpreter, tokenize, parse } = jinja as unknown as Engine;
