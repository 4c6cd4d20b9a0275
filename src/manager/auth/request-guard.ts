import type { IncomingMessage } from "node:http";
import { PlatformError } from "../../foundation/errors.ts";

const tokenInUrl = /[?&](?:access_token|api_key|token)=/i;
const loopback = /^(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])$/i;
const safeMethods = new Set(["GET", "HEAD", "OPTIONS"]);

/** What a request must not be, whatever it asks for. */
export class RequestGuard {
  readonly #hosts: ReadonlySet<string>;
  readonly #onLoopback: boolean;

  constructor({ host, url }: { host: string; url?: string | undefined }) {
    this.#onLoopback = loopback.test(host) || host === "::1";
    this.#hosts = new Set([host, ...(url === undefined ? [] : [new URL(url).hostname])]);
  }

  /** Throws `invalid-input` or `forbidden`. */
  check({ method = "GET", url = "", headers }: IncomingMessage): void {
    // Rule S6: addresses are logged, kept in histories and passed on as referrers.
    // What calls a webhook was written by others: their tokens are none of ours, and the event leaves them out.
    if (url.includes("?") && !url.startsWith("/hooks/")) refuseTokenInUrl(url);
    if (safeMethods.has(method)) return;
    if (this.#onLoopback) this.#checkHost(headers.host);
    if (headers.origin !== undefined) checkOrigin(headers.origin, headers.host);
  }

  /** A page of another site can give its own name our address (DNS rebinding); the Host header then still names the site. */
  #checkHost(header: string | undefined): void {
    const name = (header ?? "").replace(/:\d+$/, "");
    if (loopback.test(name) || this.#hosts.has(name)) return;
    throw new PlatformError(
      "forbidden",
      `this platform listens on loopback and is not "${name}": call it by its own address, or name that one in the setting url (FX_URL)`,
    );
  }
}

function refuseTokenInUrl(url: string): void {
  if (!tokenInUrl.test(url)) return;
  throw new PlatformError(
    "invalid-input",
    "tokens are not taken from the address, where they would be logged: send the header `Authorization: Bearer <token>`, and replace this one",
  );
}

function checkOrigin(origin: string, host: string | undefined): void {
  const own = URL.parse(origin)?.host;
  if (own !== undefined && own === host) return;
  throw new PlatformError("forbidden", `pages of ${origin} may not change anything here`);
}
