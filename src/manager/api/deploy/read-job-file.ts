import type { Problem } from "../../../foundation/errors.ts";
import { jobFile } from "../../../services/elsewhere.ts";
import { readJob } from "../../../services/job-file.ts";

/** What is wrong with the file of a `type: k8s_job` service. */
export function jobProblems(content: Uint8Array | undefined): Problem[] {
  if (content === undefined) {
    const message = 'a service of the type "k8s_job" has this file: the Job, as kubectl would apply it; found none';
    return [{ path: jobFile, message }];
  }
  const reading = readJob(Buffer.from(content).toString());
  return reading.ok ? [] : reading.problems;
}
