import { readFileSync } from "node:fs";
import { messageOf, PlatformError } from "./errors.ts";

/** The PEM file that a setting names for the connection to `server`. Throws `invalid-input` where it cannot be read. */
export function readCertificate(file: string, server: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    throw new PlatformError("invalid-input", `the file ${file} for the connection to ${server}: ${messageOf(error)}`, {
      cause: error,
    });
  }
}
