import { basename } from "node:path";
import type { Problem } from "../../foundation/errors.ts";
import { isValidName, nameRule } from "../../services/service-ref.ts";
import { CliError } from "../cli-error.ts";
import type { Client } from "../connection/client.ts";
import type { ServiceDirectory } from "./find-services.ts";
import { packService } from "./pack-service.ts";

export interface DeployReport {
  project: string;
  name: string;
  outcome: "deployed" | "unchanged" | "refused";
  version: string | null;
  warnings: string[];
  /** What became of config.json and secrets.json. */
  values: string[];
  problems: Problem[];
  fileCount: number;
  sizeBytes: number;
}

/**
 * Deploys one directory. What is wrong with the service is in the report, so that others still go
 * ahead; a platform that cannot be reached, or does not let us in, throws. `replaced`: files, by path, that
 * are not taken as they lie there.
 */
export async function deployService(
  api: Client,
  service: ServiceDirectory,
  project: string,
  replaced: Readonly<Record<string, string>> = {},
): Promise<DeployReport> {
  const facts = { project, name: service.name };
  if (!isValidName(service.name)) return refused(facts, [{ path: "", message: nameProblem(service) }]);
  try {
    const packed = await packService(service.path, replaced);
    const { status, body } = await api.send<{
      version: string;
      warnings?: string[];
      configuration?: Proposal;
      secrets?: Proposal;
    }>("POST", `/api/v1/services/${encodeURIComponent(project)}/${encodeURIComponent(service.name)}/versions`, {
      body: packed.archive,
      headers: { "content-type": "application/gzip" },
    });
    const outcome = status === 201 ? "deployed" : "unchanged";
    const warnings = [...packed.warnings, ...(body.warnings ?? [])];
    const values = [...told("configuration", body.configuration), ...told("secrets", body.secrets)];
    const { fileCount, sizeBytes } = packed;
    return { ...facts, outcome, version: body.version, warnings, values, problems: [], fileCount, sizeBytes };
  } catch (error) {
    if (!(error instanceof CliError) || error.exit === "unreachable" || error.exit === "notAllowed") throw error;
    const problems = error.problems.map(({ path, message }) => ({ path: placeOf(service, path), message }));
    return refused(facts, problems.length > 0 ? problems : [{ path: "", message: withWhy(error) }]);
  }
}

function refused(facts: { project: string; name: string }, problems: Problem[]): DeployReport {
  return {
    ...facts,
    outcome: "refused",
    version: null,
    warnings: [],
    values: [],
    problems,
    fileCount: 0,
    sizeBytes: 0,
  };
}

function nameProblem({ name, path }: ServiceDirectory): string {
  return `"${name}" cannot be its name: it ${nameRule}. Rename ${basename(path)}, or give "name" in its manifest.json`;
}

function withWhy(error: CliError): string {
  return [error.message, error.why, error.fix].filter(Boolean).join("; ");
}

interface Proposal {
  taken: string[];
  kept: string[];
  gone: string[];
}

function told(what: string, proposal: Proposal | undefined): string[] {
  const { taken = [], kept = [], gone = [] } = proposal ?? {};
  return [
    ...(taken.length > 0 ? [`${what} set: ${taken.join(", ")}`] : []),
    ...(kept.length > 0 ? [`${what} kept as changed by hand since: ${kept.join(", ")}`] : []),
    ...(gone.length > 0 ? [`${what} gone with the file: ${gone.join(", ")}`] : []),
  ];
}

/** The directory's name before the file, so that a terminal or editor can open it. */
function placeOf(service: ServiceDirectory, path: string): string {
  return path === "" ? basename(service.path) : `${basename(service.path)}/${path}`;
}
