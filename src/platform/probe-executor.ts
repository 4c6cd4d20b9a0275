import { searchPath } from "../config/search-path.ts";
import type { Settings } from "../config/settings.ts";
import { canSwitchUser, chooseUnprivilegedIsolation } from "../executor/isolation/choose-isolation.ts";
import { describeIsolation } from "../executor/isolation/isolation.ts";
import { findPython } from "../executor/runtimes/find-python.ts";
import { checkingRegistry } from "../executor/runtimes/registry.ts";
import type { RuntimeProbe } from "../executor/runtimes/runtime.ts";
import { PlatformError } from "../foundation/errors.ts";

export interface ExecutorProbe {
  /** By the runtime's name. */
  runtimes: Record<string, RuntimeProbe>;
  isolation: { isolated: boolean; text: string };
}

/** What an executor with these settings would find on this machine; starts nothing and changes nothing. */
export async function probeExecutor({ executor }: Settings): Promise<ExecutorProbe> {
  const { python, isolation: wanted, firstUid, slots } = executor;
  const runtimes = await checkingRegistry({ python, searchPath: searchPath() }).probe();
  if (wanted !== "off" && (await canSwitchUser(firstUid))) {
    return { runtimes, isolation: describeIsolation({ kind: "own-user", firstUid, slots }) };
  }
  const search = () => findPython({ wanted: python, searchPath: searchPath(), othersMustReach: false });
  try {
    return { runtimes, isolation: describeIsolation(await chooseUnprivilegedIsolation(wanted, search)) };
  } catch (error) {
    if (!(error instanceof PlatformError)) throw error;
    return { runtimes, isolation: { isolated: false, text: error.message } };
  }
}
