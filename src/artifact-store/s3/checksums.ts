import { hash } from "node:crypto";

/** Content as it is sent: in one piece, or in parts of `partBytes`, the last one smaller. */
export function partsOf(content: Uint8Array, partBytes: number): Uint8Array[] {
  if (content.length <= partBytes) return [content];
  const count = Math.ceil(content.length / partBytes);
  return Array.from({ length: count }, (_, index) => content.subarray(index * partBytes, (index + 1) * partBytes));
}

/** SHA-256 in base64, as `x-amz-checksum-sha256` carries it. */
export function checksumOf(content: Uint8Array): string {
  return hash("sha256", content, "base64");
}

/**
 * What the server keeps of an object that was sent in these parts: of several it is the checksum of their checksums, and
 * their number (https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity-upload.html, composite).
 */
export function storedChecksumOf(parts: readonly Uint8Array[]): string {
  const [first] = parts;
  if (parts.length === 1 && first !== undefined) return checksumOf(first);
  const each = parts.map((part) => Buffer.from(checksumOf(part), "base64"));
  return `${checksumOf(Buffer.concat(each))}-${parts.length}`;
}
