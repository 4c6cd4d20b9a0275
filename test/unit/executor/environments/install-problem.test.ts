import { describe, expect, it } from "vitest";
import { installFailure, readLog } from "../../../../src/executor/environments/install-problem.ts";
import type { DeclaredPackages } from "../../../../src/services/declared-packages.ts";

const requirements = "# what we need\nsix\nnumpy==1.2\nnumpy-financial\n";

function failure(file: DeclaredPackages["file"], text: string, lines: string[]) {
  return installFailure({ file, text, files: [] }, "the tool", lines).problems[0];
}

describe("why an install failed", () => {
  it("is told at the line that pip names, or that asks for the package in question", () => {
    const invalid = ["Looking in links: /x", "ERROR: Invalid requirement: 'six=' (from line 2 of requirements.txt)"];
    expect(failure("requirements.txt", requirements, invalid)).toEqual({
      path: "requirements.txt:2",
      message: "the tool could not install it: ERROR: Invalid requirement: 'six=' (from line 2 of requirements.txt)",
    });
    const absent = ["ERROR: No matching distribution found for numpy-financial"];
    expect(failure("requirements.txt", requirements, absent)?.path).toBe("requirements.txt:4");
  });

  it.each([
    ["× No solution found when resolving dependencies:", "╰─▶ Because numpy was not found and you require numpy==1.2"],
    ["error: No solution found when resolving dependencies", "  cause: Because numpy was not found in the registry"],
  ])("is told at the line that uv's explanation is about: %s", (first, second) => {
    const problem = failure("requirements.txt", requirements, ["Using Python 3.11.2", first, second]);
    expect(problem?.path).toBe("requirements.txt:3");
    expect(problem?.message).toMatch(/^the tool could not install it: (×|error).*\n.*Because numpy was not found/);
  });

  it("is told at the line of the place that uv counts to", () => {
    const lines = [
      "error: Couldn't parse requirement in `requirements.txt` at position 19",
      "  cause: expected version",
    ];
    expect(failure("requirements.txt", requirements, lines)?.path).toBe("requirements.txt:3");
  });

  it("is told at the line of package.json, without what npm adds to every error", () => {
    const text = `{\n  "dependencies": {\n    "a": "1",\n    "@scope/b": "^2"\n  }\n}\n`;
    const lines = [
      "npm error code E404",
      "npm error 404 Not Found - GET https://h/@scope%2fb - Not found",
      "npm error 404",
    ];
    expect(failure("package.json", text, lines)).toEqual({
      path: "package.json:4",
      message: "the tool could not install it: npm error 404 Not Found - GET https://h/@scope%2fb - Not found",
    });
  });

  it.each([
    [
      "pip",
      "WARNING: Retrying (Retry(total=0, connect=None, read=None, redirect=None, status=None)) after connection broken by 'NewConnectionError('<pip._vendor.urllib3.connection.HTTPConnection object at 0x7f>: Failed to establish a new connection: [Errno 111] Connection refused')': /simple/six/",
      "ERROR: Could not find a version that satisfies the requirement six (from versions: none)",
    ],
    [
      "pip, of a server's error at a file",
      "Collecting six",
      "ERROR: Could not install packages due to an OSError: HTTPConnectionPool(host='127.0.0.1', port=9): Max retries exceeded with url: /files/six-1.0-py3-none-any.whl (Caused by ResponseError('too many 503 error responses'))",
    ],
    ["uv", "error: Request failed after 3 retries in 8.2s", "  cause: Failed to fetch: http://127.0.0.1:9/simple/six/"],
    [
      "uv, of a server's error",
      "error: Failed to fetch: `http://127.0.0.1:9/simple/six/`",
      "  HTTP status server error (503 Service Unavailable)",
    ],
    ["npm", "npm error code ECONNREFUSED", "npm error syscall connect"],
    [
      "npm, of a server's error",
      "npm error code E503",
      "npm error 503 Service Unavailable - GET http://127.0.0.1:9/six",
    ],
  ])("passes, where an index did not answer: %s", (_, ...lines) => {
    const failure = installFailure({ file: "requirements.txt", text: requirements, files: [] }, "the tool", lines);
    expect(failure).toMatchObject({ code: "unavailable", retryable: true });
    expect(failure.message).toContain(lines[1]?.trim());
  });

  it.each([
    [
      "HTTPConnectionPool(host='h', port=9): Max retries exceeded with url: /simple/six/ (Caused by ResponseError('too many 503 error responses'))",
    ],
    ["502 Server Error: Bad Gateway for url: http://h/simple/six/"],
    ["429 Client Error: Too Many Requests for url: http://h/simple/six/"],
  ])("passes, where pip says only in its log that an index answered with an error, which is told: %s", (why) => {
    const log = `2026-11-30T12:33:25,355 Getting page http://h/simple/six/
2026-11-30T12:33:25,356 Could not fetch URL http://h/simple/six/: ${why} - skipping
2026-11-30T12:33:25,357 Could not fetch URL http://h/simple/six/: ${why} - skipping
2026-11-30T12:33:25,358 ERROR: No matching distribution found for six`;
    const logged = readLog(log);
    expect(logged.unanswered).toEqual([`Could not fetch URL http://h/simple/six/: ${why} - skipping`]);
    const declared = { file: "requirements.txt" as const, text: requirements, files: [] };
    const failure = installFailure(declared, "pip", ["ERROR: No matching distribution found for six"], logged);
    expect(failure).toMatchObject({ code: "unavailable", problems: [{ path: "requirements.txt:2" }] });
    expect(failure.message).toContain(why);
  });

  it("does not pass where pip's log says that an index has no such package", () => {
    const log =
      "2026-11-30T12:33:31,339 Could not fetch URL http://h/simple/six/: 404 Client Error: Not Found for url: http://h/simple/six/ - skipping";
    expect(readLog(log)).toEqual({ unanswered: [], built: [] });
  });

  it("is what the build of a package said, which pip says in its log alone", () => {
    const log = `2026-11-30T16:56:22,300   Running command Getting requirements to build wheel
2026-11-30T16:56:22,327   Getting requirements to build wheel: finished with status 'done'
2026-11-30T16:56:22,329   Running command Preparing metadata (pyproject.toml)
2026-11-30T16:56:22,351   gcc: fatal: foo.h is missing: please install libfoo-dev
2026-11-30T16:56:22,351   RuntimeError: libfoo-dev is not installed
2026-11-30T16:56:22,356   ERROR: [present-rich] Preparing metadata (pyproject.toml) exited with 1
2026-11-30T16:56:22,358   Preparing metadata (pyproject.toml): finished with status 'error'
2026-11-30T16:56:22,359 ERROR: [present-rich] metadata generation failed`;
    const logged = readLog(log);
    expect(logged.built).toEqual([
      "  gcc: fatal: foo.h is missing: please install libfoo-dev",
      "  RuntimeError: libfoo-dev is not installed",
    ]);
    const declared = { file: "requirements.txt" as const, text: requirements, files: [] };
    const lines = ["Processing ./bad", "  error: subprocess-exited-with-error", "  ╰─> See above for output."];
    const { message, code } = installFailure(declared, "pip", lines, logged);
    expect(code).toBe("invalid-input");
    expect(message).toContain("libfoo-dev is not installed\nerror: subprocess-exited-with-error");
    const long = { unanswered: [], built: Array.from({ length: 500 }, (_, n) => `line ${n} of a build`) };
    const told = installFailure(declared, "pip", lines, long).message;
    expect(told).toMatch(/line 499 of a build\nerror: subprocess/);
    expect(told.length).toBeLessThan(2_000);
  });

  it("does not pass where an index answered in the end", () => {
    const lines = [
      "WARNING: Retrying (Retry(total=4, connect=None, read=None, redirect=None, status=None)) after connection broken by 'ReadTimeoutError': /simple/six/",
      "ERROR: No matching distribution found for six",
    ];
    const failure = installFailure({ file: "requirements.txt", text: requirements, files: [] }, "the tool", lines);
    expect(failure).toMatchObject({ code: "invalid-input", retryable: false });
  });

  it("is the end of what was said where no line is an error, at the file where no line is to blame", () => {
    const problem = failure("requirements.txt", requirements, ["one", "two", "the disk is full"]);
    expect(problem).toEqual({ path: "requirements.txt", message: expect.stringContaining("the disk is full") });
    expect(failure("package.json", "{}", [])?.message).toContain("it said nothing");
  });
});
