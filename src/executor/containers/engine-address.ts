import { PlatformError } from "../../foundation/errors.ts";

/** Where a container engine listens. */
export type EngineAddress = { text: string; socketPath: string } | { text: string; host: string; port: number };

const defaultPort = 2375;

/** `unix:///run/podman/podman.sock`, a path, `tcp://` or `http://` with host and port. Throws `invalid-input`. */
export function readEngineAddress(text: string): EngineAddress {
  if (text.startsWith("/")) return { text: `unix://${text}`, socketPath: text };
  const url = URL.parse(text);
  if (url?.protocol === "unix:" && url.pathname !== "") return { text, socketPath: url.pathname };
  if ((url?.protocol === "tcp:" || url?.protocol === "http:") && url.hostname !== "") {
    return { text, host: url.hostname, port: Number(url.port || defaultPort) };
  }
  throw new PlatformError(
    "invalid-input",
    `'${text}' is no address of a container engine: unix:///run/podman/podman.sock, or http://127.0.0.1:2375`,
  );
}
