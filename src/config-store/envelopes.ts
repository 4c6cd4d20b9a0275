import { createCipheriv, createDecipheriv } from "node:crypto";
import { PlatformError } from "../foundation/errors.ts";
import { sha256 } from "../foundation/hash.ts";
import type { Json } from "../foundation/json.ts";
import type { Random } from "../foundation/random.ts";

export const keyBytes = 32;
export const canaryName = "canary";

const format = 1;
const keyIdBytes = 8;
const nonceBytes = 12;
const tagBytes = 16;
const headBytes = 1 + keyIdBytes + nonceBytes;

interface Key {
  id: Buffer;
  bytes: Uint8Array;
}

/**
 * Seals texts and opens them: AES-256-GCM, a random nonce for each, the text's place as additional data, so that a
 * ciphertext that was moved to another place does not open (rule S1).
 *
 * An envelope is `1 | id of the key (8) | nonce (12) | ciphertext | tag (16)`.
 */
export class Envelopes {
  readonly #keys: readonly Key[];
  readonly #random: Random;

  /** Keys of 32 bytes each. The first seals; the others still open what they sealed. */
  constructor(keys: readonly Uint8Array[], random: Random) {
    this.#keys = keys.map((bytes) => ({ id: keyIdOf(bytes), bytes }));
    this.#random = random;
  }

  isSealedWithFirst(envelope: Uint8Array): boolean {
    return this.#keys[0]?.id.equals(envelope.subarray(1, 1 + keyIdBytes)) ?? false;
  }

  seal(place: string, text: string): Uint8Array {
    const key = this.#keys[0] as Key;
    const nonce = this.#random.fill(new Uint8Array(nonceBytes));
    const cipher = createCipheriv("aes-256-gcm", key.bytes, nonce);
    cipher.setAAD(Buffer.from(place));
    const sealed = Buffer.concat([cipher.update(text, "utf8"), cipher.final()]);
    return Buffer.concat([Uint8Array.of(format), key.id, nonce, sealed, cipher.getAuthTag()]);
  }

  open(place: string, envelope: Uint8Array): Json {
    const key = this.#keys.find(({ id }) => id.equals(envelope.subarray(1, 1 + keyIdBytes)));
    if (envelope[0] !== format || envelope.length < headBytes + tagBytes || key === undefined) throw wrongKey(place);
    const decipher = createDecipheriv("aes-256-gcm", key.bytes, envelope.subarray(1 + keyIdBytes, headBytes));
    decipher.setAAD(Buffer.from(place));
    decipher.setAuthTag(envelope.subarray(-tagBytes));
    let text: string;
    try {
      text = decipher.update(envelope.subarray(headBytes, -tagBytes), undefined, "utf8") + decipher.final("utf8");
    } catch {
      throw new PlatformError(
        "corrupt",
        `the secret at ${place} was damaged, or moved there from elsewhere: set it again (fx secrets set)`,
      );
    }
    return JSON.parse(text) as Json;
  }
}

function wrongKey(place: string): PlatformError {
  const what = place === canaryName ? "the secrets in the configuration store were" : `the secret at ${place} was`;
  return new PlatformError(
    "corrupt",
    `${what} encrypted with another key than this one. Put back the key: the setting secretsKey (FX_SECRETS_KEY), else the file secrets.key of the data directory. ` +
      "If it is lost for good, so are the secrets: move config.db away and start again; state comes back from the log, configuration and secrets must be set anew",
  );
}

function keyIdOf(bytes: Uint8Array): Buffer {
  return Buffer.from(sha256(Buffer.concat([Buffer.from("key id:"), bytes])), "base64url").subarray(0, keyIdBytes);
}
