import type { Command } from "commander";
import { defaultProject } from "../../services/service-ref.ts";
import { CliError } from "../cli-error.ts";
import type { DeployReport } from "../deploy/deploy-service.ts";
import type { ServiceDirectory } from "../deploy/find-services.ts";
import { type Session, withSession } from "../session.ts";
import { safe } from "../terminal/safe.ts";
import { countText, sizeText } from "../terminal/times.ts";
import { shownVersionLength } from "../whole-version.ts";

interface DeployOptions {
  project: string;
  watch?: boolean;
}

export function defineDeploy(program: Command): Command {
  return program
    .command("deploy")
    .description("deploy directories: one with a manifest or scripts is a service, one of such directories is many")
    .argument("<directory...>", "what to deploy")
    .option("--project <project>", "the project they belong to", defaultProject)
    .option("--watch", "deploy again whenever a file is saved, until Ctrl-C")
    .action(withSession(deploy));
}

async function deploy(session: Session, directories: string[], options: DeployOptions): Promise<void> {
  const { findAllServices } = await import("../deploy/find-services.ts");
  const services = findAllServices(directories);
  if (options.watch) return deployAndWatch(session, services, options.project);
  const reports = await deployAll(session, services, options.project);
  if (session.terminal.isJson) await session.terminal.list(reports, [], "");
  const refused = reports.filter(({ outcome }) => outcome === "refused").length;
  if (refused > 0) {
    throw new CliError({ what: `${refused} of ${countText(reports.length, "service")} refused`, exit: "refused" });
  }
  await suggestNext(session, reports);
}

async function deployAll(session: Session, services: readonly ServiceDirectory[], project: string) {
  const { deployService } = await import("../deploy/deploy-service.ts");
  const reports: DeployReport[] = [];
  for (const service of services) {
    const onInstall = (line: string) => session.terminal.say(session.terminal.paintTalk("dim", `  ${safe(line)}`));
    const report = await deployService(session.api, service, project, { onInstall });
    reports.push(report);
    if (!session.terminal.isJson) tell(session, report);
  }
  return reports;
}

function tell({ terminal }: Session, report: DeployReport): void {
  const { paint } = terminal;
  const colour = { deployed: "green", activated: "green", unchanged: "gray", refused: "red" } as const;
  const former = report.formerVersion?.slice(0, shownVersionLength) ?? "none";
  const was = report.outcome === "activated" ? ` (was ${former})` : "";
  const version = report.version ? `  version ${report.version.slice(0, shownVersionLength)}${was}` : "";
  const size = report.version ? `  ${countText(report.fileCount, "file")}, ${sizeText(report.sizeBytes)}` : "";
  terminal.line(`${report.project}/${report.name}  ${paint(colour[report.outcome], report.outcome)}${version}${size}`);
  for (const line of report.values) terminal.say(`  ${line}`);
  for (const warning of report.warnings) terminal.say(`  ${terminal.paintTalk("yellow", "warning")} ${warning}`);
  for (const { path, message } of report.problems) {
    // What a package tool says may have several lines.
    terminal.say(`  ${path ? `${path}: ` : ""}${safe(message).replaceAll("\n", "\n    ")}`);
  }
}

/** What is saved while a deploy goes on is deployed after it, the first one too. */
async function deployAndWatch(session: Session, services: readonly ServiceDirectory[], project: string): Promise<void> {
  const { terminal } = session;
  const { DirectoryWatch } = await import("../deploy/directory-watch.ts");
  const watch = new DirectoryWatch(services.map(({ path }) => path));
  try {
    const first = await deployAll(session, services, project);
    if (terminal.isJson) await terminal.list(first, [], "");
    terminal.say(`watching ${countText(services.length, "directory", "directories")}; Ctrl-C ends`);
    for await (const changed of watch) {
      const again = services.filter(({ path }) => changed.has(path));
      const reports = await deployAll(session, again, project);
      for (const report of terminal.isJson ? reports : []) terminal.entry(report, () => "");
    }
  } finally {
    watch.close();
  }
}

/** The event that starts what was just deployed, or the run by hand where no event does. */
async function suggestNext({ terminal, api }: Session, reports: readonly DeployReport[]): Promise<void> {
  const first = reports[0];
  if (!first || terminal.isJson) return;
  const query = { project: first.project };
  const links = await api.list<{ service: string; eventType: string }>("/api/v1/links", query, 1000);
  const names = new Set(reports.map(({ name }) => name));
  const link = links.items.find(({ service, eventType }) => names.has(service) && !eventType.startsWith("fx."));
  const inProject = first.project === defaultProject ? first.name : `${first.project}/${first.name}`;
  terminal.next(
    link ? `fx send ${link.eventType.replace(/\.\*$/, ".something")} --data '{}' --wait` : `fx run ${inProject} --wait`,
  );
}
