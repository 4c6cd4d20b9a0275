import type { S3 } from "@aws-sdk/client-s3";
import { readTlsFiles } from "../../foundation/tls-files.ts";

export interface S3ClientOptions {
  /** http(s)://host:port; undefined: AWS's own for the region. */
  endpoint: string | undefined;
  region: string;
  /** `endpoint/bucket/key`, as most servers other than AWS want it, and not `bucket.endpoint/key`. */
  pathStyle: boolean;
  /** Undefined: where AWS's own tools look, from environment variables to the machine's role. */
  credentials: { accessKeyId: string; secretAccessKey: string } | undefined;
  /** Certificates (PEM) of who may have signed the server's one; undefined: those that Node trusts. */
  authorityFile: string | undefined;
  /** How long the server may be silent. A request that it does not answer is tried again. */
  silenceMs: number;
}

/** Tries in all, with growing pauses, where the network or the server fails. */
const tries = 4;
const connectMs = 5000;

/** The library is loaded when it is wanted: that takes a quarter of a second and 30 MB. */
export async function openS3Client(options: S3ClientOptions): Promise<S3> {
  const { endpoint, region, pathStyle, credentials, authorityFile, silenceMs } = options;
  const { S3 } = await import("@aws-sdk/client-s3");
  const agent = { keepAlive: true, maxSockets: 50 };
  return new S3({
    region,
    forcePathStyle: pathStyle,
    ...(endpoint === undefined ? {} : { endpoint }),
    ...(credentials === undefined ? {} : { credentials }),
    maxAttempts: tries,
    // Ours are asked for by name, and servers that know no others are still many.
    requestChecksumCalculation: "WHEN_REQUIRED",
    responseChecksumValidation: "WHEN_REQUIRED",
    requestHandler: {
      connectionTimeout: connectMs,
      socketTimeout: silenceMs,
      httpAgent: agent,
      httpsAgent: { ...agent, ...readTlsFiles({ authorityFile }, "S3") },
    },
  });
}
