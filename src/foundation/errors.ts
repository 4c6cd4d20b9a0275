/** Every way in which the platform refuses or fails. The union is closed: a new word needs an ADR. */
export type ErrorCode =
  | "invalid-input"
  | "not-found"
  | "conflict"
  | "forbidden"
  | "unauthenticated"
  | "lease-lost"
  | "unavailable"
  | "timeout"
  | "limit-exceeded"
  | "corrupt";

/** Whether the same call may succeed later without a change by the caller. */
const retryableByDefault: Record<ErrorCode, boolean> = {
  "invalid-input": false,
  "not-found": false,
  conflict: false,
  forbidden: false,
  unauthenticated: false,
  "lease-lost": false,
  unavailable: true,
  timeout: true,
  "limit-exceeded": false,
  corrupt: false,
};

export interface ErrorDetails {
  cause?: unknown;
  retryable?: boolean;
  /** One entry per thing that is wrong, each with its place, e.g. `{ path: "data.fields[0].type", message }`. */
  problems?: readonly Problem[];
}

export interface Problem {
  path: string;
  message: string;
}

export class PlatformError extends Error {
  readonly code: ErrorCode;
  readonly retryable: boolean;
  readonly problems: readonly Problem[];

  constructor(code: ErrorCode, message: string, details: ErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.name = "PlatformError";
    this.code = code;
    this.retryable = details.retryable ?? retryableByDefault[code];
    this.problems = details.problems ?? [];
  }
}

export function isPlatformError(error: unknown, code?: ErrorCode): error is PlatformError {
  return error instanceof PlatformError && (code === undefined || error.code === code);
}

/** The message of anything thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
