import type { FastifyError, FastifyReply, FastifyRequest } from "fastify";
import { z } from "zod";
import { type ErrorCode, messageOf, PlatformError, type Problem } from "../../foundation/errors.ts";
import type { Log } from "../../foundation/log.ts";
import { passOver } from "./pass-over.ts";

/** RFC 9457, with our closed code and one entry per thing that is wrong. */
export const problemDocument = z
  .object({
    type: z.literal("about:blank"),
    title: z.string(),
    status: z.int(),
    code: z.enum([
      "invalid-input",
      "not-found",
      "conflict",
      "forbidden",
      "unauthenticated",
      "lease-lost",
      "unavailable",
      "timeout",
      "limit-exceeded",
      "corrupt",
    ] satisfies ErrorCode[]),
    detail: z.string().meta({ description: "What is wrong, where, and what would be right." }),
    problems: z.array(z.object({ path: z.string(), message: z.string() })),
  })
  .meta({ id: "Problem" });

const statusOf: Record<ErrorCode, number> = {
  "invalid-input": 400,
  "not-found": 404,
  conflict: 409,
  forbidden: 403,
  unauthenticated: 401,
  "lease-lost": 409,
  unavailable: 503,
  timeout: 504,
  "limit-exceeded": 413,
  corrupt: 500,
};

const titleOf: Record<ErrorCode, string> = {
  "invalid-input": "The request is not valid",
  "not-found": "There is no such thing",
  conflict: "It does not fit the present state",
  forbidden: "This is not allowed",
  unauthenticated: "A valid token is needed",
  "lease-lost": "The lease was lost",
  unavailable: "It cannot be done just now",
  timeout: "It took too long",
  "limit-exceeded": "It is larger than allowed",
  corrupt: "Stored data is damaged",
};

/** A status that HTTP has and our codes have not. */
export class HttpRefusal extends PlatformError {
  readonly status: number;

  constructor(status: number, code: ErrorCode, message: string, problems: readonly Problem[] = []) {
    super(code, message, { problems });
    this.status = status;
  }
}

/** Answers every error as a problem document. What is not ours is a bug: logged whole, told without its inside. */
export async function sendProblem(
  error: unknown,
  request: FastifyRequest,
  reply: FastifyReply,
  log: Log,
): Promise<FastifyReply> {
  const known = toPlatformError(error, request);
  if (known === undefined) {
    log.error({ method: request.method, route: request.routeOptions.url, error: stackOf(error) }, "a request failed");
  }
  const document = documentOf(known);
  const { code, status } = document;
  // Set where a body was refused; it is passed over by now, and the connection is as good as before.
  reply.removeHeader("connection");
  if (code === "unauthenticated") reply.header("www-authenticate", 'Bearer realm="StreamZero FX"');
  if (code === "unavailable") reply.header("retry-after", "1");
  await passOver(request.raw);
  return reply.code(status).type("application/problem+json").serializer(JSON.stringify).send(document);
}

/** The problem document of an error that is ours to tell, for an answer that is a stream; undefined for a bug. */
export function problemOf(error: unknown, request: FastifyRequest) {
  const known = toPlatformError(error, request);
  return known && documentOf(known);
}

function documentOf(known: PlatformError | undefined) {
  const shown =
    known ?? new PlatformError("unavailable", "an error of the platform, told in its log", { retryable: true });
  const status = known === undefined ? 500 : known instanceof HttpRefusal ? known.status : statusOf[shown.code];
  const { code, message: detail, problems } = shown;
  return { type: "about:blank", title: titleOf[code], status, code, detail, problems };
}

function toPlatformError(error: unknown, request: FastifyRequest): PlatformError | undefined {
  if (error instanceof PlatformError) return error;
  const { code, statusCode, validation, message } = error as Partial<FastifyError>;
  if (validation) {
    const place = (error as FastifyError).validationContext ?? "request";
    const problems = validation.map((issue) => ({
      path: [place, ...issue.instancePath.split("/").filter(Boolean)].join("."),
      message: issue.message ?? "is not valid",
    }));
    const text = problems.map(({ path, message }) => `${path}: ${message}`).join("; ");
    return new PlatformError("invalid-input", `the request is not valid: ${text}`, { problems });
  }
  if (code === "FST_ERR_CTP_BODY_TOO_LARGE") {
    return new PlatformError("limit-exceeded", "the request's body is larger than allowed (setting limits.bodyBytes)");
  }
  if (statusCode === 415) {
    const found = request.headers["content-type"] ?? "nothing";
    return new HttpRefusal(415, "invalid-input", `content type ${found} is not taken here: send application/json`);
  }
  if (statusCode !== undefined && statusCode >= 400 && statusCode < 500) {
    return new HttpRefusal(statusCode, "invalid-input", message ?? messageOf(error));
  }
  return undefined;
}

function stackOf(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
