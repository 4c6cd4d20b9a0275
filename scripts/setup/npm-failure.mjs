// @ts-check

const again = "run the same command again";

/** @type {{ codes: RegExp, why: string, fix: string }[]} */
const known = [
  {
    codes:
      /\b(ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ETIMEDOUT|ENETUNREACH|ERR_SOCKET_TIMEOUT|EHOSTUNREACH|FETCH_ERROR)\b/,
    why: "npm could not reach its registry",
    fix: `check the network and the proxy with "npm ping", then ${again}`,
  },
  {
    codes: /\b(UNABLE_TO_GET_ISSUER_CERT\w*|SELF_SIGNED_CERT\w*|CERT_\w+|DEPTH_ZERO_SELF_SIGNED_CERT)\b/,
    why: "npm does not trust the certificate of its registry",
    fix: `name your authority's file with "npm config set cafile <file>", then ${again}`,
  },
  { codes: /\b(E401|E403|ENEEDAUTH)\b/, why: "the registry refused npm", fix: `"npm login", then ${again}` },
  { codes: /\bENOSPC\b/, why: "the disk is full", fix: `free about 700 MB ("df -h ." shows the disk), then ${again}` },
  { codes: /\bEDQUOT\b/, why: "the disk quota is used up", fix: `free about 700 MB ("quota" shows it), then ${again}` },
  {
    codes: /\b(EACCES|EPERM|EROFS)\b/,
    why: "npm may not write here",
    fix: `make this folder and npm's cache writable, then ${again}`,
  },
  {
    codes: /\bEINTEGRITY\b/,
    why: "a package is not the one that was pinned",
    fix: `"npm cache verify", then ${again}`,
  },
  {
    codes: /\b(E404|ETARGET)\b/,
    why: "the registry lacks a package",
    fix: `"npm config get registry" shows which one npm asks; then ${again}`,
  },
  {
    codes: /\bEUSAGE\b/,
    why: "package-lock.json does not fit package.json",
    fix: `"npm install --package-lock-only", then ${again}`,
  },
];

/**
 * Why npm failed, in a person's words, with the beginning of npm's own: it ends with its usage and where its log lies.
 *
 * @param {string} words all that npm printed
 * @param {number | null} code its exit code
 * @returns {{ why: string, fix: string, detail: string }}
 */
export function explainNpmFailure(words, code) {
  const detail = words.trim().split("\n").slice(0, 15).join("\n");
  const match = known.find(({ codes }) => codes.test(words));
  if (match) return { why: match.why, fix: match.fix, detail };
  return { why: code === null ? "npm was killed" : `npm ended with code ${code}`, fix: again, detail };
}
