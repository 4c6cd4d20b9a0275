import type { ErrorCode, Problem } from "../../foundation/errors.ts";
import { CliError, withoutProblems } from "../cli-error.ts";
import type { ExitName } from "../exit-codes.ts";

/** RFC 9457, with our closed code and one entry per thing that is wrong. */
export interface ProblemDocument {
  title?: string;
  detail?: string;
  status?: number;
  code?: string;
  problems?: Problem[];
}

const exitOf: Record<ErrorCode, ExitName> = {
  "invalid-input": "refused",
  "not-found": "notFound",
  conflict: "refused",
  forbidden: "notAllowed",
  unauthenticated: "notAllowed",
  "lease-lost": "refused",
  unavailable: "unreachable",
  timeout: "unreachable",
  "limit-exceeded": "refused",
  corrupt: "refused",
};

const exitOfStatus: Record<number, ExitName> = {
  401: "notAllowed",
  403: "notAllowed",
  404: "notFound",
  502: "unreachable",
  503: "unreachable",
  504: "unreachable",
};

/** The error that a command ends with when the API refused. */
export function errorOfAnswer(status: number, document: ProblemDocument, request: string): CliError {
  const exit = exitOf[document.code as ErrorCode] ?? exitOfStatus[status] ?? "refused";
  const what =
    withoutProblems(document.detail, document.problems) ?? document.title ?? `the platform answered ${status}`;
  return new CliError({
    what,
    why: whyOf(status, request),
    fix: fixOf(exit, document, request),
    exit,
    problems: document.problems,
  });
}

function whyOf(status: number, request: string): string | undefined {
  if (status === 401) return "the API always needs a token, and this one was missing or is not the platform's";
  if (status >= 500) return `${request} was answered with status ${status}`;
  return undefined;
}

/** Commands that list what a path names. */
const lists = new Set(["events", "executions", "links", "projects", "services"]);

function fixOf(exit: ExitName, document: ProblemDocument, request: string): string | undefined {
  // What a new link names and what is not there is a service, or a version of one.
  const listed = /^POST \S*\/api\/v1\/links\b/.test(request) ? "services" : /\/api\/v1\/(\w+)/.exec(request)?.[1];
  if (exit === "notFound" && request.includes("/api/v1/event-types/")) return "fx types";
  if (exit === "notFound" && listed && lists.has(listed)) return `fx ${listed}`;
  if (document.code === "conflict" && /^DELETE \S*\/api\/v1\/services\//.test(request)) {
    return "wait for their end, or give the same command with --force, which cancels them";
  }
  if (exit === "notAllowed" && document.code !== "forbidden") {
    return "set FX_TOKEN, pass --token-file <file>, or run this where the platform's data directory is (--data-dir)";
  }
  // Of a platform that answers: something else is away for now.
  if (exit === "unreachable" && document.problems?.length) return "the same command again, later";
  if (exit === "unreachable") return "fx doctor";
  return undefined;
}
