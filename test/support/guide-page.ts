import { readFileSync } from "node:fs";
import { relative } from "node:path";

/** What a reader does on a page, in order. */
export type Step =
  | { kind: "file"; path: string; text: string; line: number }
  /** `shows`: what is written below it; undefined: nothing. */
  | { kind: "shell"; text: string; shows: string | undefined; line: number };

const fence = /^```(\S*)(?:[ \t]+(\S+))?[ \t]*\n([\s\S]*?)^```[ \t]*$/gm;

/**
 * Reads a page's blocks of code. A block of `sh` is typed in; one of `text` right after it is what comes
 * out; one whose first line names a file, as in "```python mine/hello/main.py", is that file. Others are for the eye.
 */
export function readSteps(file: string): Step[] {
  const page = readFileSync(file, "utf8");
  const steps: Step[] = [];
  let endOfShell = -1;
  for (const found of page.matchAll(fence)) {
    const [whole, language, path, text = ""] = found;
    const line = page.slice(0, found.index).split("\n").length;
    const follows = page.slice(endOfShell, found.index).trim() === "";
    const last = steps.at(-1);
    if (language === "text" && last?.kind === "shell" && follows) last.shows = text;
    else if (path !== undefined) steps.push({ kind: "file", path, text, line });
    else if (language === "sh") steps.push({ kind: "shell", text, shows: undefined, line });
    endOfShell = language === "sh" ? found.index + whole.length : -1;
  }
  return steps;
}

/** Throws unless the lines come in this order; `…` in a line stands for anything. Lines between them are passed over. */
export function requireShown(shows: string, output: string): void {
  const lines = output.split("\n").map((line) => line.trimEnd());
  let at = 0;
  for (const wanted of shows.split("\n").map((line) => line.trimEnd())) {
    if (wanted === "" || wanted === "…") continue;
    const pattern = new RegExp(
      `^${wanted
        .split("…")
        .map((part) => RegExp.escape(part))
        .join(".*")}$`,
    );
    const found = lines.findIndex((line, index) => index >= at && pattern.test(line));
    if (found < 0) throw new Error(`the page shows the line\n  ${wanted}\nbut what came out was\n${output}`);
    at = found + 1;
  }
}

export function placeOf(root: string, file: string, { line }: Step): string {
  return `${relative(root, file)}:${line}`;
}
