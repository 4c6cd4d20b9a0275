import type { IncomingMessage } from "node:http";

export interface HttpRequest {
  method: string;
  headers: Record<string, string>;
  body?: Uint8Array | string | undefined;
  signal?: AbortSignal | undefined;
}

/** One request. Node's own client, because `fetch` takes 60 ms to load: half of what a short command may take. */
export async function httpRequest(
  url: string,
  { method, headers, body, signal }: HttpRequest,
): Promise<IncomingMessage> {
  const { request } = url.startsWith("https:") ? await import("node:https") : await import("node:http");
  return new Promise((resolve, reject) => {
    const length = body === undefined ? {} : { "content-length": String(Buffer.byteLength(body)) };
    const call = request(url, { method, headers: { ...headers, ...length }, ...(signal ? { signal } : {}) }, resolve);
    call.on("error", reject);
    call.end(body);
  });
}

export async function textOf(answer: IncomingMessage): Promise<string> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of answer) chunks.push(chunk as Uint8Array);
  return Buffer.concat(chunks).toString("utf8");
}
