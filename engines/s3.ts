import { mkdirSync } from "node:fs";
import path from "node:path";
import { type Cache, tool } from "./cache.ts";
import type { Engine, ServerPlace } from "./engine.ts";
import { goInstall } from "./golang.ts";

const release = "1.8.0";
const module = `github.com/versity/versitygw/cmd/versitygw@v${release}`;
const region = "us-east-1";
const bucket = "streamzero-fx";
const accessKeyId = "engines";
const secretAccessKey = "engines-secret";

/**
 * Versity S3 Gateway, built from its Go module: Apache-licensed, with multipart uploads, checksums, conditional writes,
 * presigned addresses and bucket notifications in S3's own form. A bucket is a directory of its data.
 */
export const s3: Engine = {
  name: "s3",
  title: `S3 (Versity S3 Gateway ${release})`,
  portsEach: 1,

  install: (cache: Cache) =>
    cache.directory(`versitygw-${release}`, async (directory) => {
      await goInstall(directory, module);
      await tool(path.join(directory, "versitygw"), ["--version"]);
    }),

  async prepare({ programs, directory, ports }) {
    mkdirSync(path.join(objectsOf(directory), bucket), { recursive: true });
    // Not in extended attributes, which not every file system has.
    const sidecar = path.join(directory, "sidecar");
    mkdirSync(sidecar, { recursive: true });
    const server = [`--port=127.0.0.1:${ports[0]}`, `--region=${region}`, "--health=/health", "--quiet"];
    return {
      command: path.join(programs, "versitygw"),
      args: [...server, "posix", `--sidecar=${sidecar}`, objectsOf(directory)],
      env: { ROOT_ACCESS_KEY: accessKeyId, ROOT_SECRET_KEY: secretAccessKey },
    };
  },

  async answers(server) {
    return (await fetch(`${endpointOf(server)}/health`)).ok;
  },

  environment(all) {
    return {
      FX_ARTIFACT_STORE_DRIVER: "s3",
      FX_ARTIFACT_STORE_ENDPOINT: endpointOf(all[0] as ServerPlace),
      FX_ARTIFACT_STORE_REGION: region,
      FX_ARTIFACT_STORE_BUCKET: bucket,
      FX_ARTIFACT_STORE_ACCESS_KEY_ID: accessKeyId,
      FX_ARTIFACT_STORE_SECRET_ACCESS_KEY: secretAccessKey,
    };
  },
};

/** Where a server's buckets are, one directory each. */
export function objectsOf(directory: string): string {
  return path.join(directory, "objects");
}

function endpointOf({ ports }: ServerPlace): string {
  return `http://127.0.0.1:${ports[0]}`;
}
