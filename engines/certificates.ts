import { existsSync, mkdirSync, renameSync } from "node:fs";
import path from "node:path";
import { tool } from "./cache.ts";

const years = ["-days", "3650"];
const key = ["-newkey", "rsa:2048", "-nodes"];

/** In PEM form. */
export interface Certificate {
  certificateFile: string;
  keyFile: string;
}

/** An authority of a server's own, by what it has signed. */
export interface Certificates {
  authorityFile: string;
  /** For 127.0.0.1 and localhost. */
  server: Certificate;
  /** Shown by a client that proves so who it is: `CN=platform`. */
  client: Certificate;
}

export function certificatesIn(directory: string): Certificates {
  const pair = (name: string) => ({
    certificateFile: path.join(directory, "certificates", `${name}.pem`),
    keyFile: path.join(directory, "certificates", `${name}-key.pem`),
  });
  return { authorityFile: pair("authority").certificateFile, server: pair("server"), client: pair("client") };
}

/** Makes them where the directory has none yet. */
export async function makeCertificates(directory: string): Promise<Certificates> {
  const made = certificatesIn(directory);
  const place = path.dirname(made.authorityFile);
  if (existsSync(place)) return made;
  const fresh = `${place}.new`;
  mkdirSync(fresh, { recursive: true });
  const make = (name: string, ...about: string[]) => {
    const files = ["-keyout", `${name}-key.pem`, "-out", `${name}.pem`];
    return tool("openssl", ["req", "-x509", ...key, ...years, ...files, ...about], { cwd: fresh });
  };
  const signed = ["-CA", "authority.pem", "-CAkey", "authority-key.pem", "-addext", "basicConstraints=CA:FALSE"];
  await make("authority", "-subj", "/CN=authority");
  await make("server", "-subj", "/CN=server", ...signed, "-addext", "subjectAltName=IP:127.0.0.1,DNS:localhost");
  await make("client", "-subj", "/CN=platform", ...signed);
  renameSync(fresh, place);
  return made;
}
