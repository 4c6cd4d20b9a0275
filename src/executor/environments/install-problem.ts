import { PlatformError } from "../../foundation/errors.ts";
import { type DeclaredPackages, requirementLines, requirementsFile } from "../../services/declared-packages.ts";

const maxMessageLength = 1_500;
const keptOfLog = 3;
/** Of what a build said, the end, in characters. */
const maxBuiltLength = 1_000;
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

/** What a tool's log tells, and its output does not. */
export interface Logged {
  /** Indexes that did not answer. */
  unanswered: readonly string[];
  /** All that the build of a package said which failed. */
  built: readonly string[];
}

const nothingLogged: Logged = { unanswered: [], built: [] };

/** Of the log of pip, which has lines of its own for all it does, as it says them, and of what it runs. */
export function readLog(log: string): Logged {
  const lines = log.split("\n").map((line) => line.replace(/^\d{4}-\d\d-\d\dT\S+ /, ""));
  const found = new Set(lines.filter((line) => unanswered.some((pattern) => pattern.test(line))));
  return { unanswered: [...found].slice(0, keptOfLog), built: builtIn(lines) };
}

/** To pip its log is where output is seen: what it refers to as "above" is there alone. */
function builtIn(lines: readonly string[]): string[] {
  const failed = lines.findLastIndex((line) => /^\s*ERROR: (?:\[present-rich\] )?.* exited with \S/.test(line));
  const begun = lines.findLastIndex((line, at) => at < failed && /^\s*Running command /.test(line));
  return begun < 0 ? [] : lines.slice(begun + 1, failed).filter((line) => line.trim() !== "");
}

/**
 * Why an install failed, in the tool's own words, at the line that asked for what failed where that can be told: `unavailable` where an
 * index did not answer, which may pass, else `invalid-input`.
 */
export function installFailure(
  declared: DeclaredPackages,
  tool: string,
  lines: readonly string[],
  logged: Logged = nothingLogged,
): PlatformError {
  const telling = lines.filter((line) => !filler.test(line));
  const first = telling.findIndex((line) => errorLine.test(line));
  const said = textOf([...logged.unanswered, ...telling.slice(first < 0 ? -5 : first)]);
  const line = declared.file === requirementsFile ? requirementAt(declared.text, said) : packageAt(declared.text, said);
  const path = line === undefined ? declared.file : `${declared.file}:${line}`;
  const built = textOf(logged.built).slice(-maxBuiltLength);
  const whole = `${built && `${built}\n`}${said.slice(0, maxMessageLength - built.length)}`;
  const message = `${tool} could not install it: ${whole || "it said nothing"}`;
  const code = [...logged.unanswered, ...lines].some((line) => unanswered.some((pattern) => pattern.test(line)))
    ? "unavailable"
    : "invalid-input";
  return new PlatformError(code, `${path}: ${message}`, { problems: [{ path, message }] });
}

function textOf(lines: readonly string[]): string {
  return lines.map((line) => line.trim()).join("\n");
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
