import type { ProcessRequest } from "./step-runner.ts";

/**
 * What a process was started for: steps with equal keys may have each other's. Equal content has one version, whoever's service it
 * is: so the service is named as well.
 */
export function processKey({ context, ...request }: ProcessRequest): string {
  const { directory, script, runtime, environment, limits, isolation, preload } = request;
  const { project, name } = context.service;
  const { level, network } = isolation;
  return JSON.stringify([project, name, directory, script, runtime, environment?.key, limits, level, network, preload]);
}
