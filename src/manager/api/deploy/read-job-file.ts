import type { Problem } from "../../../foundation/errors.ts";
export function jobProblems(_: Uint8Array | undefined): Problem[] {
  return [];
}
