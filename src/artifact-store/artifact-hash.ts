import { PlatformError } from "../foundation/errors.ts";

/** SHA-256 in base64url. Nothing else becomes part of a path or a key. */
const hashForm = /^[A-Za-z0-9_-]{43}$/;

/** Throws `invalid-input` for what is no hash. */
export function requireArtifactHash(hash: string): void {
  if (hashForm.test(hash)) return;
  throw new PlatformError(
    "invalid-input",
    `${JSON.stringify(hash.slice(0, 100))} names no artifact: expected the 43 characters of a SHA-256 in base64url`,
  );
}
