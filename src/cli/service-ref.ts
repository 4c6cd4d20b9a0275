import { parseServiceRef } from "../services/service-ref.ts";
import { usageError } from "./cli-error.ts";

export interface ServiceRef {
  project: string;
  name: string;
  /** `project/name`, as filters and messages write it. */
  text: string;
  /** Its place in the API. */
  path: string;
}

/** Reads `project/name`, or a name in `project` (default: `default`). Throws a usage error. */
export function serviceRefOf(text: string, project?: string): ServiceRef {
  const parsed = parseServiceRef(project !== undefined && !text.includes("/") ? `${project}/${text}` : text);
  if (!parsed) {
    throw usageError(
      `"${text}" does not name a service: write project/name, or a name, in lower-case letters, digits, "_" and "-"`,
    );
  }
  const { project: inProject, name } = parsed;
  return { project: inProject, name, text: `${inProject}/${name}`, path: `/api/v1/services/${inProject}/${name}` };
}
