import { isPlatformError, messageOf, PlatformError } from "../../foundation/errors.ts";
import { tlsFailureOf } from "../../foundation/tls-failure.ts";

/**
 * Answers of a broker that no waiting changes, named as in Kafka's protocol. One that refuses a right is none of them: an
 * administrator who took it away gives it back, and the work goes on without a restart.
 */
const lasting: Readonly<Record<string, "limit-exceeded" | "invalid-input">> = {
  MESSAGE_TOO_LARGE: "limit-exceeded",
  RECORD_LIST_TOO_LARGE: "limit-exceeded",
  INVALID_REPLICATION_FACTOR: "invalid-input",
  POLICY_VIOLATION: "invalid-input",
};

/** What a broker or the way to it made fail, as the port's callers know it: passing unless it is named above. */
export function translateKafkaError(error: unknown, what: string): unknown {
  if (isPlatformError(error)) return error;
  const answers = answersOf(error);
  const known = answers.find((answer) => answer in lasting);
  const answer = known ?? answers[0];
  const mend = mends[answer ?? ""];
  const text = mend === undefined ? (answer ?? causeOf(error)) : `${answer}: ${mend}`;
  const code = (known === undefined ? undefined : lasting[known]) ?? "unavailable";
  return new PlatformError(code, `Kafka could not ${what}: ${text}`, { cause: error });
}

/** Of what a setting does wrong. */
const mends: Readonly<Record<string, string>> = {
  INVALID_REPLICATION_FACTOR: "bus.replication asks for more copies than there are brokers",
  ILLEGAL_SASL_STATE: "the brokers at bus.brokers ask for no user there, and bus.user names one",
  SASL_AUTHENTICATION_FAILED: "see bus.user, bus.password and bus.mechanism",
  UNSUPPORTED_SASL_MECHANISM: "see bus.mechanism",
};

/** Whether a broker gave this answer, somewhere in what failed. */
export function isAnswer(error: unknown, name: string): boolean {
  return answersOf(error).includes(name);
}

interface Nested {
  apiId?: unknown;
  errors?: unknown;
  cause?: unknown;
}

function answersOf(error: unknown): string[] {
  if (typeof error !== "object" || error === null) return [];
  const { apiId, errors, cause } = error as Nested;
  const inside = [...(Array.isArray(errors) ? errors : []), cause].flatMap(answersOf);
  return typeof apiId === "string" ? [apiId, ...inside] : inside;
}

/** The innermost message: the outer ones only say that something failed. */
function causeOf(error: unknown): string {
  const { errors, cause } = (typeof error === "object" && error !== null ? error : {}) as Nested;
  const inner = Array.isArray(errors) ? errors.at(-1) : cause;
  return inner === undefined ? (tlsFailureOf(error) ?? messageOf(error)) : causeOf(inner);
}
