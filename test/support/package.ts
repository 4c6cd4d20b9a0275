import { gzipSync } from "node:zlib";
import { type Header, pack } from "tar-stream";

/** A gzipped tar of these files; a header instead of a text makes an entry of any kind. */
export async function packageOf(files: Record<string, string | Uint8Array | Partial<Header>>): Promise<Uint8Array> {
  const tar = pack();
  for (const [name, content] of Object.entries(files)) {
    if (typeof content === "string" || content instanceof Uint8Array) tar.entry({ name }, Buffer.from(content));
    else tar.entry({ name, ...content });
  }
  tar.finalize();
  const chunks: Buffer[] = [];
  for await (const chunk of tar as AsyncIterable<Buffer>) chunks.push(chunk);
  return gzipSync(Buffer.concat(chunks));
}
