import { parseScope, type Scope, scopePath, scopeRule, scopeText } from "../services/scope.ts";
import { usageError } from "./cli-error.ts";

export interface ScopeRef {
  scope: Scope;
  /** `service:project/name`, as the API writes it. */
  text: string;
  /** Its place in the API. */
  path: string;
}

/** What commands call a scope argument. */
export const scopeHelp = "platform, project:NAME or service:PROJECT/NAME";

/** Throws a usage error. */
export function scopeRefOf(given: string): ScopeRef {
  const scope = parseScope(given);
  if (scope === undefined) throw usageError(`"${given}" is no scope: it ${scopeRule}`);
  return { scope, text: scopeText(scope), path: `/api/v1/config/${scopePath(scope)}` };
}

/** JSON where it is JSON, else the text itself: `5` is a number, `'"5"'` and `five` are texts. */
export function valueOfWord(word: string): unknown {
  try {
    return JSON.parse(word);
  } catch {
    return word;
  }
}
