import { PlatformError } from "../../foundation/errors.ts";
import { type DeclaredPackages, requirementLines, requirementsFile } from "../../services/declared-packages.ts";

const maxMessageLength = 1_500;
const keptOfLog = 3;
/** Where a tool begins to tell why it failed: pip, uv, npm. */
const errorLine = /^\s*(error:|×|npm (error|ERR!))/i;
/** What npm adds to each error. */
const filler = /A complete log of this run|^npm (error|ERR!)( \w+)?\s*$|^npm (error|ERR!) code /;

/** What pip (in its log or before its last try), uv and npm say of an index that cannot be reached or has no time. It may still be one that never answers. */
const unanswered = [
  /^Could not fetch URL .*(?:too many 5\d\d error responses|: (?:5\d\d Server|429 Client) Error: )/,
  /Max retries exceeded with url: .*too many 5\d\d error responses/,
  /^WARNING: Retrying \(Retry\(total=0\b(?!.*(?:SSLError|CERTIFICATE|ProxyError))/,
  /^ERROR: HTTP error 5\d\d while getting /,
  /^error: Request failed after \d+ retries|error sending request for url|HTTP status server error/,
  /^npm (?:error|ERR!) code (?:EAI_AGAIN|ECONNREFUSED|ECONNRESET|EHOSTUNREACH|ENETUNREACH|ENOTFOUND|ETIMEDOUT|ERR_SOCKET_TIMEOUT|E50\d)\b/,
];

/** Of a tool's log, which tells all it does, what its output keeps to itself of indexes that did not answer. */
export function unansweredIn(log: string): string[] {
  const lines = log.split("\n").map((line) => line.replace(/^\d{4}-\d\d-\d\dT\S+ /, ""));
  return [...new Set(lines.filter((line) => unanswered.some((pattern) => pattern.test(line))))].slice(0, keptOfLog);
}

/**
 * Why an install failed, in the tool's own words, at the line that asked for what failed where that can be told: `unavailable` where an
 * index did not answer, which may pass, else `invalid-input`. `logged`: of its log, as `unansweredIn` gives it.
 */
export function installFailure(
  declared: DeclaredPackages,
  tool: string,
  lines: readonly string[],
  logged: readonly string[] = [],
): PlatformError {
  const telling = lines.filter((line) => !filler.test(line));
  const first = telling.findIndex((line) => errorLine.test(line));
  const said = [...logged, ...telling.slice(first < 0 ? -5 : first)].map((line) => line.trim()).join("\n");
  const line = declared.file === requirementsFile ? requirementAt(declared.text, said) : packageAt(declared.text, said);
  const path = line === undefined ? declared.file : `${declared.file}:${line}`;
  const message = `${tool} could not install it: ${said.slice(0, maxMessageLength) || "it said nothing"}`;
  const code = [...logged, ...lines].some((line) => unanswered.some((pattern) => pattern.test(line)))
    ? "unavailable"
    : "invalid-input";
  return new PlatformError(code, `${path}: ${message}`, { problems: [{ path, message }] });
}

function requirementAt(text: string, said: string): number | undefined {
  const told = /\(from line (\d+) of \S*requirements\.txt\)/.exec(said)?.[1];
  if (told !== undefined) return Number(told);
  // uv counts bytes.
  const position = /requirements\.txt` at position (\d+)/.exec(said)?.[1];
  if (position !== undefined) return Buffer.from(text).toString("utf8", 0, Number(position)).split("\n").length;
  return requirementLines(text).find(({ text: line }) => {
    const name = /^[A-Za-z0-9][\w.-]*/.exec(line)?.[0];
    return said.includes(line) || (name !== undefined && hasWord(said, name));
  })?.number;
}

function packageAt(text: string, said: string): number | undefined {
  const lines = text.split("\n");
  const at = lines.findIndex((line) => {
    const name = /^\s*"((?:@[\w.-]+\/)?[\w.-]+)"\s*:\s*"/.exec(line)?.[1];
    return name !== undefined && hasWord(said.replaceAll("%2f", "/"), name);
  });
  return at < 0 ? undefined : at + 1;
}

function hasWord(text: string, word: string): boolean {
  return new RegExp(`(?<![\\w.-])${RegExp.escape(word)}(?![\\w-])`, "i").test(text);
}
