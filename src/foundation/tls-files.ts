import { readFileSync } from "node:fs";
import { messageOf, PlatformError } from "./errors.ts";

/** What a connection over TLS is made with: files in PEM form. */
export interface TlsFiles {
  /** Who may have signed the server's certificate; without it those that Node trusts. */
  authorityFile?: string | undefined;
  /** The certificate and the key that are shown to a server that asks for one. */
  certificateFile?: string | undefined;
  keyFile?: string | undefined;
}

/** The same as Node takes it. */
export interface TlsMaterial {
  ca?: string | undefined;
  cert?: string | undefined;
  key?: string | undefined;
  /** False: any certificate of the server will do. */
  rejectUnauthorized?: boolean;
}

/** What the settings name for the connection to `server`. Throws `invalid-input` where a file cannot be read. */
export function readTlsFiles({ authorityFile, certificateFile, keyFile }: TlsFiles, server: string): TlsMaterial {
  return { ca: read(authorityFile, server), cert: read(certificateFile, server), key: read(keyFile, server) };
}

function read(file: string | undefined, server: string): string | undefined {
  try {
    return file === undefined ? undefined : readFileSync(file, "utf8");
  } catch (error) {
    throw new PlatformError("invalid-input", `the file ${file} for the connection to ${server}: ${messageOf(error)}`, {
      cause: error,
    });
  }
}
