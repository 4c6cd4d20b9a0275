import { existsSync, readFileSync } from "node:fs";
import { join, matchesGlob } from "node:path";
import { usageError } from "../cli-error.ts";

const always = new Set([
  "node_modules",
  "__pycache__",
  ".git",
  ".hg",
  ".svn",
  ".venv",
  "venv",
  ".fx",
  ".idea",
  ".vscode",
]);
/** Of the SDKs' local mode: a developer's own values, secrets among them. */
const localFiles = new Set(["ef_env.json", "ef_package_state.json"]);
const alwaysFiles = /^(\.DS_Store|\.fxignore|.*\.py[co]|.*\.sw[po]|.*~)$/;

export function isAlwaysIgnored(name: string): boolean {
  return (
    always.has(name) ||
    localFiles.has(name) ||
    alwaysFiles.test(name) ||
    name === ".pytest_cache" ||
    name === ".mypy_cache"
  );
}

/**
 * Reads `.fxignore`: one pattern a line, `#` begins a comment. A pattern without a slash names a file or
 * directory at any depth, one with a slash is meant from the service's directory, a trailing slash
 * means directories only. Answers whether a path (relative, with `/`) stays behind.
 */
export function readIgnores(directory: string): (path: string, isDirectory: boolean) => boolean {
  const file = join(directory, ".fxignore");
  const patterns = existsSync(file) ? parsePatterns(readFileSync(file, "utf8"), file) : [];
  return (path, isDirectory) => {
    const name = path.slice(path.lastIndexOf("/") + 1);
    return isAlwaysIgnored(name) || patterns.some((pattern) => pattern(path, isDirectory));
  };
}

type Pattern = (path: string, isDirectory: boolean) => boolean;

function parsePatterns(text: string, file: string): Pattern[] {
  return text.split(/\r?\n/).flatMap((line, index) => {
    const pattern = line.trim();
    if (pattern === "" || pattern.startsWith("#")) return [];
    if (pattern.startsWith("!")) {
      throw usageError(`${file}:${index + 1}: "${pattern}" takes back an ignore, which .fxignore cannot do`);
    }
    const directoriesOnly = pattern.endsWith("/");
    const glob = pattern.replace(/^\/|\/$/g, "");
    const anchored = pattern.replace(/\/$/, "").includes("/");
    return [
      (path: string, isDirectory: boolean) =>
        (isDirectory || !directoriesOnly) && matchesGlob(anchored ? path : path.slice(path.lastIndexOf("/") + 1), glob),
    ];
  });
}
