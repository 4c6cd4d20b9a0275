import type { Command } from "commander";
import type { Settings } from "../../config/settings.ts";
import type { CopyReport } from "../../platform/copy.ts";
import { CliError, usageError } from "../cli-error.ts";
import { type Session, withSession } from "../session.ts";
import { countText } from "../terminal/times.ts";

interface Options {
  from: string;
  dryRun?: boolean;
}

export function defineCopy(program: Command): Command {
  return program
    .command("copy")
    .description(
      "copy an embedded installation to the engines that the settings name; stop it before, and start on them after",
    )
    .argument("[setting...]", "settings as flags, e.g. --catalog-driver postgres; `fx config show` lists them")
    .requiredOption("--from <directory>", "the data directory of the installation")
    .option("--dry-run", "copy nothing: count, and say what stands in the way; exit code 1 where something does")
    .allowUnknownOption()
    .action(withSession(copy));
}

async function copy({ terminal, options }: Session, words: string[], { from, dryRun = false }: Options): Promise<void> {
  const [{ loadSettings }, { readSettingFlags }, { copyInstallation }] = await Promise.all([
    import("../../config/settings.ts"),
    import("../start/setting-flags.ts"),
    import("../../platform/copy.ts"),
  ]);
  if (options.url !== undefined) {
    throw usageError("`copy` works on engines, it does not connect to a platform: --url has no meaning here");
  }
  const { settings } = loadSettings({ flags: { ...readSettingFlags("copy", words), dataDir: options.dataDir } });
  const report = await copyInstallation({ settings, from, dryRun, tell: (line) => terminal.say(line) });
  if (terminal.isJson) await terminal.one(report, () => "");
  else await tell(report, dryRun, { terminal, settings, from });
  if (report.problems.length === 0) return;
  throw new CliError({
    what: `${countText(report.problems.length, "engine")} cannot be copied to`,
    problems: report.problems,
    why: "it is copied to engines that are empty",
    exit: "refused",
  });
}

async function tell(
  { counts, moving, staying, notes }: CopyReport,
  dryRun: boolean,
  { terminal, settings, from }: { terminal: Session["terminal"]; settings: Settings; from: string },
): Promise<void> {
  await terminal.list(
    counts,
    [
      { title: dryRun ? "would be copied" : "copied", of: ({ what }) => what },
      { title: dryRun ? "count" : "count, found again", of: ({ count }) => String(count) },
    ],
    "there is nothing in it yet",
  );
  for (const { port, to } of moving) terminal.say(`${port}: ${from} -> ${to}`);
  for (const { port, at } of staying) terminal.say(`${port}: stays, ${at}`);
  for (const note of notes) terminal.say(`note: ${note}`);
  if (dryRun) return;
  terminal.say(`${from} is as it was, and is not started again: delete it when the new installation is what you want`);
  const { isShared } = await import("../../platform/roles.ts");
  const roles = isShared(settings) ? "fx manager, fx router, fx executor and fx sink, or " : "";
  terminal.next(`${roles}fx start, with the same settings`);
}
