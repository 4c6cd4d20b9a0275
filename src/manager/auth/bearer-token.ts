import { timingSafeEqual } from "node:crypto";
import { PlatformError } from "../../foundation/errors.ts";

/** Compares in constant time, so that a token cannot be guessed byte by byte. */
export class BearerToken {
  readonly #expected: Buffer;

  constructor(token: string) {
    this.#expected = Buffer.from(token, "latin1");
  }

  isIn(authorization: string | undefined): boolean {
    try {
      this.check(authorization);
      return true;
    } catch {
      return false;
    }
  }

  /** Throws `unauthenticated` unless the Authorization header (RFC 6750) carries the token. */
  check(authorization: string | undefined): void {
    if (authorization === undefined) {
      throw new PlatformError("unauthenticated", "a token is needed: send the header `Authorization: Bearer <token>`");
    }
    const separator = authorization.indexOf(" ");
    if (authorization.slice(0, separator).toLowerCase() !== "bearer") {
      throw new PlatformError("unauthenticated", "the Authorization header must be `Bearer <token>`");
    }
    const given = Buffer.from(authorization.slice(separator + 1).trim(), "latin1");
    const comparable = given.length === this.#expected.length;
    if (!timingSafeEqual(comparable ? given : this.#expected, this.#expected) || !comparable) {
      throw new PlatformError("unauthenticated", "the token is not this platform's");
    }
  }
}
