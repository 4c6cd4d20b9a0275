import type { Command } from "commander";
import { CliError } from "../cli-error.ts";
import type { Finding } from "../doctor/finding.ts";
import { type Session, withSession } from "../session.ts";
import { paintStatus } from "../terminal/style.ts";
import { countText } from "../terminal/times.ts";

export function defineDoctor(program: Command): Command {
  return program
    .command("doctor")
    .description("look at everything the platform needs; exit code 1 if something fails")
    .action(withSession(doctor));
}

async function doctor({ terminal, connection, options }: Session): Promise<void> {
  const [{ loadSettings }, machine, directory, configuration, engines, server] = await Promise.all([
    import("../../config/settings.ts"),
    import("../doctor/check-machine.ts"),
    import("../doctor/check-data-directory.ts"),
    import("../doctor/check-configuration.ts"),
    import("../doctor/check-engines.ts"),
    import("../doctor/check-server.ts"),
  ]);
  const { settings } = loadSettings({ flags: { dataDir: options.dataDir } });
  const platform = await server.checkServer(connection());
  const findings: Finding[] = [
    machine.checkNode(),
    ...(await machine.checkExecutor(settings)),
    await machine.checkContainers(settings),
    directory.checkDataDirectory(settings),
    configuration.checkConfiguration(settings),
    machine.checkDisk(settings),
    ...(await engines.checkEngines(settings)),
    await server.checkPort(settings, platform.verdict !== "warn"),
    platform,
  ];
  if (terminal.isJson) await terminal.list(findings, [], "");
  else
    for (const finding of findings)
      terminal.line(findingText(finding, (text) => paintStatus(terminal.paint, finding.verdict, text)));
  const failed = findings.filter(({ verdict }) => verdict === "fail").length;
  if (failed > 0) throw new CliError({ what: `${countText(failed, "check")} failed`, exit: "refused" });
}

function findingText({ check, verdict, found, fix }: Finding, paint: (text: string) => string): string {
  const told = `${paint(verdict.padEnd(4))}  ${check.padEnd(17)}  ${found}`;
  return fix ? `${told}\n${" ".repeat(25)}fix: ${fix}` : told;
}
