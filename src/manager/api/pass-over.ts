import type { IncomingMessage } from "node:http";

/** More than any body that would be taken; who sends still more may find the connection closed. */
const maxPassedBytes = 128 * 1024 * 1024;

/**
 * Reads and drops what is still being sent. A sender that writes all before it reads must find the
 * answer, not a broken connection. Resolves when the request has ended, also by being cut off.
 */
export function passOver(request: IncomingMessage): Promise<void> {
  const { "content-length": length, "transfer-encoding": encoding } = request.headers;
  const hasBody = encoding !== undefined || (length !== undefined && length !== "0");
  if (!hasBody || request.complete || request.destroyed) return Promise.resolve();
  return new Promise((resolve) => {
    let bytes = 0;
    request.on("data", (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes > maxPassedBytes) resolve();
    });
    for (const end of ["end", "close", "error"]) request.once(end, () => resolve());
    request.resume();
  });
}
