import { basename } from "node:path";
import type { Problem } from "../../foundation/errors.ts";
import { isValidName, nameRule } from "../../services/service-ref.ts";
import { CliError } from "../cli-error.ts";
import type { Client } from "../connection/client.ts";
import { errorOfAnswer, type ProblemDocument } from "../connection/problem-document.ts";
import type { ServiceDirectory } from "./find-services.ts";
import { packService } from "./pack-service.ts";

export interface DeployReport {
  project: string;
  name: string;
  /** `activated`: the version was there, and another one was active. */
  outcome: "deployed" | "activated" | "unchanged" | "refused";
  version: string | null;
  /** The version that was active before. */
  formerVersion: string | null;
  warnings: string[];
  /** What became of config.json and secrets.json. */
  values: string[];
  problems: Problem[];
  fileCount: number;
  sizeBytes: number;
}

export interface DeployServiceOptions {
  /** Files, by path, that are not taken as they lie there. */
  replaced?: Readonly<Record<string, string>>;
  /** Hears how packages are installed, a line at a time. */
  onInstall?(line: string): void;
}

/**
 * Deploys one directory. What is wrong with the service is in the report, so that others still go
 * ahead; a platform that cannot be reached, or does not let us in, throws.
 */
export async function deployService(
  api: Client,
  service: ServiceDirectory,
  project: string,
  { replaced = {}, onInstall = () => {} }: DeployServiceOptions = {},
): Promise<DeployReport> {
  const facts = { project, name: service.name };
  if (!isValidName(service.name)) return refused(facts, [{ path: "", message: nameProblem(service) }]);
  try {
    const packed = await packService(service.path, replaced);
    const path = `/api/v1/services/${encodeURIComponent(project)}/${encodeURIComponent(service.name)}/versions`;
    const body = await send(api, path, packed.archive, onInstall);
    const formerVersion = body.formerVersion ?? null;
    const outcome = body.created ? "deployed" : formerVersion === body.version ? "unchanged" : "activated";
    const warnings = [...packed.warnings, ...(body.warnings ?? [])];
    const values = [...told("configuration", body.configuration), ...told("secrets", body.secrets)];
    const { fileCount, sizeBytes } = packed;
    const versions = { version: body.version, formerVersion };
    return { ...facts, outcome, ...versions, warnings, values, problems: [], fileCount, sizeBytes };
  } catch (error) {
    if (!(error instanceof CliError) || error.exit === "unreachable" || error.exit === "notAllowed") throw error;
    const problems = error.problems.map(({ path, message }) => ({ path: placeOf(service, path), message }));
    return refused(facts, problems.length > 0 ? problems : [{ path: "", message: withWhy(error) }]);
  }
}

interface DeployedAnswer {
  created: boolean;
  version: string;
  formerVersion?: string | null;
  warnings?: string[];
  configuration?: Proposal;
  secrets?: Proposal;
}

async function send(
  api: Client,
  path: string,
  archive: Uint8Array,
  onInstall: (line: string) => void,
): Promise<DeployedAnswer> {
  const call = { body: archive, headers: { "content-type": "application/gzip" } };
  for await (const { event, data } of api.sendTold("POST", path, call)) {
    if (event === "progress") onInstall(JSON.parse(data) as string);
    else if (event === "deployed") return JSON.parse(data) as DeployedAnswer;
    else if (event === "refused") {
      const document = JSON.parse(data) as ProblemDocument;
      throw errorOfAnswer(document.status ?? 0, document, `POST ${path}`);
    }
  }
  throw new CliError({
    what: "the platform did not say how the deploy ended",
    why: "it was stopped meanwhile, or its log says more",
    fix: "deploy again: what was done already is found",
    exit: "refused",
  });
}

function refused(facts: { project: string; name: string }, problems: Problem[]): DeployReport {
  return {
    ...facts,
    outcome: "refused",
    version: null,
    formerVersion: null,
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
