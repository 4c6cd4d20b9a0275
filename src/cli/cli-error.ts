import type { Problem } from "../foundation/errors.ts";
import { type ExitName, exitCodes } from "./exit-codes.ts";

interface CliErrorParts {
  /** What did not work, as a sentence without its full stop. */
  what: string;
  why?: string | undefined;
  /** The command that mends it. */
  fix?: string | undefined;
  exit: ExitName;
  /** Each thing that is wrong, with its place. */
  problems?: readonly Problem[] | undefined;
}

/** Ends a command. What the user reads is what, why, and the command that fixes it. */
export class CliError extends Error {
  readonly why: string | undefined;
  readonly fix: string | undefined;
  readonly exit: ExitName;
  readonly problems: readonly Problem[];

  constructor({ what, why, fix, exit, problems }: CliErrorParts) {
    super(what);
    this.name = "CliError";
    this.why = why;
    this.fix = fix;
    this.exit = exit;
    this.problems = problems ?? [];
  }

  get exitCode(): number {
    return exitCodes[this.exit].code;
  }

  /** The lines for standard error. */
  lines(): string[] {
    return [
      `error: ${this.message}`,
      ...this.problems.map(({ path, message }) => `  ${path ? `${path}: ` : ""}${message}`),
      ...(this.why ? [`  why: ${this.why}`] : []),
      ...(this.fix ? [`  fix: ${this.fix}`] : []),
    ];
  }
}

/** A wrong command line. */
export function usageError(what: string, fix?: string): CliError {
  return new CliError({ what, fix, exit: "usage" });
}

/** A message may tell its problems too, for those who read only that; where each has its own line, once is enough. */
export function withoutProblems(message: string, problems: readonly Problem[] | undefined): string;
export function withoutProblems(
  message: string | undefined,
  problems: readonly Problem[] | undefined,
): string | undefined;
export function withoutProblems(message: string | undefined, problems: readonly Problem[] = []): string | undefined {
  const first = problems[0];
  const colon = message?.indexOf(": ") ?? -1;
  return first && message?.includes(first.message) && colon > 0 ? message.slice(0, colon) : message;
}
