import { isPlatformError, messageOf, PlatformError } from "../../foundation/errors.ts";

/** What the client library throws: an answer of the server, or what the network made of the request. */
interface S3Error {
  /** The server's word: https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html */
  name?: string;
  $metadata?: { httpStatusCode?: number };
}

/** Refusals that end by themselves: clocks are set, tokens renewed, and bytes that were hurt on the way are sent again. */
const passing = new Set(["RequestTimeTooSkewed", "RequestExpired", "ExpiredToken", "BadDigest"]);

/** The object is not there. The bucket, the key's owner or the whole server missing have other names. */
export function isMissing(error: unknown): boolean {
  const { name } = error as S3Error;
  return name === "NoSuchKey" || name === "NotFound";
}

/** Another request was at the same place just then. */
export function isConflict(error: unknown): boolean {
  return (error as S3Error).$metadata?.httpStatusCode === 409;
}

/** The upload has ended meanwhile: somebody else completed or aborted it. */
export function isUploadGone(error: unknown): boolean {
  return (error as S3Error).name === "NoSuchUpload";
}

/**
 * As `unavailable`: retryable where the server was not reached, failed or asked for patience; not where it refuses, because
 * the bucket, the credentials or the region are wrong and stay so until somebody changes them.
 */
export function translateS3Error(error: unknown, place: string): PlatformError {
  if (isPlatformError(error)) return error;
  const { name = "", $metadata } = error as S3Error;
  const status = $metadata?.httpStatusCode;
  const refused = status === undefined ? name === "CredentialsProviderError" : status < 500 && status !== 429;
  const retryable = !refused || status === 408 || isConflict(error) || passing.has(name);
  const words = retryable ? "cannot be used now" : "cannot be used as it is set";
  return new PlatformError("unavailable", `the artifact store ${place} ${words} (${textOf(error)})`, {
    retryable,
    cause: error,
  });
}

/** An attempt at several addresses has its errors inside, and no message. */
function textOf(error: unknown): string {
  const inner = error instanceof AggregateError ? error.errors.map(messageOf).join("; ") : "";
  const { name, message } = error as Error;
  return inner || [name === "Error" ? "" : name, message].filter(Boolean).join(": ");
}
