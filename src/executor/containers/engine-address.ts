import { PlatformError } from "../../foundation/errors.ts";

const defaultPort = 2375;

/** `unix:///run/podman/podman.sock`, a path, `tcp://` or `http://` with host and port, as `HttpClient` takes it. Throws `invalid-input`. */
export function readEngineAddress(text: string): string {
  if (text.startsWith("/")) return `unix://${text}`;
  const socket = /^unix:(?:\/\/)?(\/[^/].*)$/.exec(text)?.[1];
  if (socket !== undefined) return `unix://${socket}`;
  const url = URL.parse(text);
  if ((url?.protocol === "tcp:" || url?.protocol === "http:") && url.hostname !== "") {
    return `http://${url.hostname}:${url.port || defaultPort}`;
  }
  throw new PlatformError(
    "invalid-input",
    `'${text}' is no address of a container engine: unix:///run/podman/podman.sock, or http://127.0.0.1:2375`,
  );
}
