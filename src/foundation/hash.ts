import { createHash, hash } from "node:crypto";

/** SHA-256, base64url without padding: 43 URL-safe characters. */
export function sha256(content: string | Uint8Array): string {
  return hash("sha256", content, "base64url");
}

/**
 * SHA-256 over several parts. Each part is preceded by its length, so that ("ab", "c") and
 * ("a", "bc") never collide.
 */
export function sha256Parts(...parts: readonly (string | Uint8Array)[]): string {
  // One call on one text costs a third of a digest that is fed piece by piece, and ids are made for every event.
  let text = "";
  for (const part of parts) {
    if (typeof part !== "string") return digestOf(parts);
    text += `${Buffer.byteLength(part)}:${part}`;
  }
  return hash("sha256", text, "base64url");
}

function digestOf(parts: readonly (string | Uint8Array)[]): string {
  const digest = createHash("sha256");
  for (const part of parts) {
    const bytes = typeof part === "string" ? Buffer.from(part) : part;
    digest.update(`${bytes.length}:`).update(bytes);
  }
  return digest.digest("base64url");
}
