import { sha256Parts } from "../../foundation/hash.ts";
import type { DeclaredPackages } from "../../services/declared-packages.ts";

/** Counted up when the same content has to be installed in another way. */
const layout = "1";

/** Whether a name is one of an environment's. */
export function isEnvironmentKey(name: string): boolean {
  return /^(?:python|node)-[\w-]+$/.test(name);
}

/**
 * Name of an environment: what is asked for, by which interpreter, under which options of the tools. `interpreter` tells
 * those apart whose packages differ, `options` hold no credentials: a new password makes no new environment.
 */
export function environmentKey(
  language: "python" | "node",
  interpreter: readonly string[],
  options: readonly string[],
  declared: DeclaredPackages,
): string {
  const files = declared.files.flatMap(({ path, hash }) => [path, hash]);
  const parts = [layout, language, process.platform, process.arch, String(interpreter.length), ...interpreter];
  return `${language}-${sha256Parts(...parts, String(options.length), ...options, ...files)}`;
}
