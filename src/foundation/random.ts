import { randomFillSync } from "node:crypto";

/** The only source of randomness. The simulation passes a seeded one. */
export interface Random {
  /** Fills and returns `target` with random bytes. */
  fill(target: Uint8Array): Uint8Array;
  /** A number in [0, 1). */
  fraction(): number;
}

/** Cryptographically strong; safe for tokens and nonces. */
export const systemRandom: Random = {
  fill: (target) => randomFillSync(target),
  fraction: () => Math.random(),
};

/** An URL-safe secret of `sizeBytes` random bytes, base64url without padding. */
export function randomToken(random: Random, sizeBytes = 32): string {
  return Buffer.from(random.fill(new Uint8Array(sizeBytes))).toString("base64url");
}
