import { type ErrorCode, messageOf, PlatformError } from "../../foundation/errors.ts";

/**
 * What a code of PostgreSQL (https://www.postgresql.org/docs/current/errcodes-appendix.html) means to a caller: the
 * whole code, else its class. One that is not here is a defect of ours, and stays as it came.
 */
const meanings: Partial<Record<string, ErrorCode>> = {
  "08": "unavailable",
  "28": "unavailable",
  "3D": "unavailable",
  "53": "unavailable",
  "57": "unavailable",
  "58": "unavailable",
  // Rolled back: a deadlock, or a failover in between.
  "40": "unavailable",
  "25006": "unavailable",
  "25P03": "unavailable",
  "55P03": "unavailable",
  "54": "limit-exceeded",
  XX001: "corrupt",
  XX002: "corrupt",
};

/** Of the system, from a socket. */
const socketCodes = /^(E[A-Z]+|UND_.*)$/;

/** Of the client library, which gives these no code. */
const lostConnection =
  /^(Connection terminated|Client has encountered a connection error|Client was closed|timeout exceeded when trying to connect|timeout expired|Query read timeout|The server does not support SSL)/;

/** The client library's errors as ours; anything else is answered as it came. */
export function translatePostgresError(error: unknown): unknown {
  const code = meaningOf(error);
  if (code === undefined) return error;
  const mend = mends[codeOf(error) ?? ""];
  const text = mend === undefined ? textOf(error) : `${textOf(error)}: ${mend}`;
  return new PlatformError(code, `the catalog's database ${wordsFor[code] ?? "failed"} (${text})`, { cause: error });
}

/** Of what a setting does wrong. */
const mends: Partial<Record<string, string>> = {
  "28P01": "see user and password in catalog.url",
  "28000": "see user, password and TLS (?sslmode=) in catalog.url",
  "3D000": "see the database's name in catalog.url",
};

const wordsFor: Partial<Record<ErrorCode, string>> = {
  unavailable: "cannot be used now",
  "limit-exceeded": "cannot hold so much",
  corrupt: "is damaged",
};

function meaningOf(error: unknown): ErrorCode | undefined {
  const code = codeOf(error);
  if (isStalePlan(error)) return "unavailable";
  if (code === undefined) return lostConnection.test(messageOf(error)) ? "unavailable" : undefined;
  return meanings[code] ?? meanings[code.slice(0, 2)] ?? (socketCodes.test(code) ? "unavailable" : undefined);
}

/** An attempt at several addresses has its errors inside, and no message. */
function textOf(error: unknown): string {
  const inner = error instanceof AggregateError ? error.errors.map(messageOf).join("; ") : "";
  return inner || messageOf(error);
}

function codeOf(error: unknown): string | undefined {
  const { code } = (error ?? {}) as { code?: unknown };
  return typeof code === "string" ? code : undefined;
}

/** The statement was prepared before the table got another column; prepared anew it works. */
export function isStalePlan(error: unknown): boolean {
  return codeOf(error) === "0A000" && messageOf(error).startsWith("cached plan");
}

/** The client library gave up waiting for the server's answer. */
export function isUnanswered(error: unknown): boolean {
  return messageOf(error) === "Query read timeout";
}

/** 40001: the order of two transactions; 40P01: a deadlock; 23505: another one inserted between our look and our insert. */
const contentionCodes = new Set(["40001", "40P01", "23505"]);

export function isLockTimeout(error: unknown): boolean {
  return codeOf(error) === "55P03";
}

/** Whether the transaction may do better when it is run again. */
export function isContention(error: unknown): boolean {
  const inner = error instanceof PlatformError ? error.cause : error;
  const code = codeOf(inner);
  return (code !== undefined && contentionCodes.has(code)) || isStalePlan(inner);
}
