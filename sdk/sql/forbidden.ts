import type { SqlStatement } from "./sql-statements.ts";

/** Settings that a script may read or set: none names a file, changes how the file is kept, or lifts a limit. */
export const allowedPragmas: ReadonlySet<string> = new Set(
  "application_id case_sensitive_like collation_list compile_options data_version defer_foreign_keys encoding foreign_key_check foreign_key_list foreign_keys freelist_count function_list index_info index_list index_xinfo integrity_check optimize page_count page_size pragma_list quick_check recursive_triggers table_info table_list table_xinfo user_version".split(
    " ",
  ),
);

/** Functions that read, write or load files, in SQLite itself or in its shell. */
export const forbiddenFunctions: ReadonlySet<string> = new Set(
  "load_extension readfile writefile edit fts3_tokenizer fsdir lsmode".split(" "),
);

/** What a script for SQLite may not do, where it can be seen without running it; SQLite's authorizer refuses the same again. */
export function forbiddenIn({ words }: SqlStatement): string | undefined {
  const [first, second] = words;
  if (first === "attach" || first === "detach") return `${first.toUpperCase()} is refused: a script has one database`;
  if (first === "vacuum" && words.includes("into")) return "VACUUM INTO is refused: a script writes no files";
  if (first === "pragma") {
    const name = words.find((word, index) => index > 0 && allowedPragmas.has(word));
    if (name === undefined) return `PRAGMA ${second ?? ""} is refused; allowed are ${[...allowedPragmas].join(", ")}`;
  }
  const called = words.find((word) => forbiddenFunctions.has(word));
  return called === undefined ? undefined : `${called} is refused: a script reaches its database and no files`;
}
