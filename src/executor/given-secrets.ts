import { PlatformError } from "../foundation/errors.ts";
import type { Json } from "../foundation/json.ts";
import type { StepHost } from "./step-runner.ts";

/**
 * The secrets that a manifest names for what cannot ask. They come by the same way as those that scripts ask for, so
 * that they are redacted from here on (rule S5). Throws `not-found`, with the names, when one is nowhere.
 */
export async function givenSecrets(host: StepHost, names: readonly string[]): Promise<Map<string, Json>> {
  const found = new Map<string, Json>();
  const missing: string[] = [];
  for (const name of names) {
    const value = await host.getSecret(name);
    if (value === undefined) missing.push(name);
    else found.set(name, value);
  }
  if (missing.length === 0) return found;
  throw new PlatformError(
    "not-found",
    `the manifest names the secrets ${missing.join(", ")}, which neither the service nor its project nor the platform has: fx secrets set`,
  );
}
