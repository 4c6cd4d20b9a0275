import { messageOf, type Problem } from "../../../foundation/errors.ts";
import { parametersFile, readParametersForm } from "../../../services/parameters-form.ts";

/** What is wrong with a package's `parameters.json`; nothing where it has none. */
export function parametersProblems(content: Uint8Array | undefined): Problem[] {
  if (content === undefined) return [];
  try {
    const reading = readParametersForm(JSON.parse(Buffer.from(content).toString()));
    if (reading.ok) return [];
    return reading.problems.map(({ path, message }) => ({ path: `${parametersFile}: ${path}`, message }));
  } catch (error) {
    return [{ path: parametersFile, message: `must be JSON: ${messageOf(error)}` }];
  }
}
