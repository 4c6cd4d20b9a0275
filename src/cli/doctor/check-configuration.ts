import { existsSync } from "node:fs";
import { join } from "node:path";
import { secretsKeyFile } from "../../config/secrets-keys.ts";
import type { Settings } from "../../config/settings.ts";
import type { Finding } from "./finding.ts";

/** Whether the configuration store and the key of its secrets are where a start would look for them. */
export function checkConfiguration({ dataDir, secretsKey }: Settings): Finding {
  const check = "configuration";
  const hasStore = existsSync(join(dataDir, "config.db"));
  if (!hasStore && existsSync(join(dataDir, "catalog.db"))) {
    const found = `${join(dataDir, "config.db")} is gone, and with it configuration and secrets; the next start brings back state`;
    return {
      check,
      verdict: "warn",
      found,
      fix: "put the file back, or set them again: fx config set, fx secrets set",
    };
  }
  const key = secretsKeyFile(dataDir);
  if (hasStore && secretsKey === undefined && !existsSync(key)) {
    const found = `the key of secrets is gone: ${key}`;
    return { check, verdict: "fail", found, fix: "put the file back, or give the key as FX_SECRETS_KEY" };
  }
  const own = `${hasStore ? "" : "made at the first start: "}${key}`;
  const place = secretsKey === undefined ? own : "that of the setting secretsKey";
  return { check, verdict: "ok", found: `the key of secrets is ${place}` };
}
