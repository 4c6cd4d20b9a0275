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
  if (parts.every((part) => typeof part === "string")) {
    return hash("sha256", parts.map((part) => `${Buffer.byteLength(part)}:${part}`).join(""), "base64url");
  }
  const digest = createHash("sha256");
  for (const part of parts) {
    const bytes = typeof part === "string" ? Buffer.from(part) : part;
    digest.update(`${bytes.length}:`).update(bytes);
  }
  return digest.digest("base64url");
}
