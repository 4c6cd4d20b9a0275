/** One thing looked at. `warn`: it works, with less than it could; `fail`: the platform cannot work so. */
export interface Finding {
  check: string;
  verdict: "ok" | "warn" | "fail";
  found: string;
  /** What to do; with every verdict but `ok`. */
  fix?: string | undefined;
}
