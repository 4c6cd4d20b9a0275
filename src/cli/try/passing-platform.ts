import { chmodSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { findConnection } from "../../config/connection.ts";
import { executorEnvironment } from "../../config/executor-environment.ts";
import { Client } from "../connection/client.ts";

export interface PassingPlatform {
  api: Client;
  /** Ends it; nothing of it stays. */
  close(): Promise<void>;
}

/** A whole platform for one run, in a directory of its own: what is tried is what will happen. Ctrl-C leaves nothing behind either. */
export async function startPassingPlatform(): Promise<PassingPlatform> {
  const { startPlatform } = await import("../../platform/start.ts");
  const directory = mkdtempSync(join(tmpdir(), "fx-try-"));
  const remove = () => rmSync(directory, { recursive: true, force: true });
  process.once("exit", remove);
  // Scripts may run as other users, and pass through to their own files.
  chmodSync(directory, 0o711);
  const dataDir = join(directory, "data");
  const platform = await startPlatform({
    flags: { host: "127.0.0.1", port: 0, dataDir, logLevel: "error", drainMs: 1 },
    environment: executorEnvironment(),
    directory,
  });
  const { url, token } = findConnection({ url: platform.url, dataDir }, { environment: {}, directory });
  return {
    api: new Client({ url, token }),
    async close() {
      await platform.close();
      remove();
    },
  };
}
