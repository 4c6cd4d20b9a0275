import type { Command } from "commander";
import { CliError } from "../cli-error.ts";
import { type Session, withSession } from "../session.ts";
import { countText } from "../terminal/times.ts";

export function defineMigrate(program: Command): Command {
  return program
    .command("migrate")
    .description(
      "bring the schema of the catalog up to date with this release; a start does it by itself, unless told otherwise",
    )
    .argument("[setting...]", "settings as flags, e.g. --catalog-driver postgres; `fx config show` lists them")
    .option("--check", "change nothing; exit code 1 where the schema is behind")
    .allowUnknownOption()
    .action(withSession(migrate));
}

async function migrate(
  { terminal, options }: Session,
  words: string[],
  { check = false }: { check?: boolean },
): Promise<void> {
  const [{ loadSettings }, { readSettingFlags }, { migrateCatalog }] = await Promise.all([
    import("../../config/settings.ts"),
    import("../start/setting-flags.ts"),
    import("../../platform/compose.ts"),
  ]);
  const flags = { ...readSettingFlags("migrate", words), dataDir: options.dataDir };
  const { settings } = loadSettings({ flags });
  const { from, to, missing } = await migrateCatalog(settings, check);
  const what = `the catalog (${settings.catalog.driver})`;
  const at = from ?? "nothing";
  const done = check ? [] : missing;
  await terminal.one({ driver: settings.catalog.driver, from: from ?? null, to, missing, done }, () => {
    if (missing.length === 0) return `${what} is at ${to}, as this release needs it`;
    if (check) return `${what} is at ${at}; ${to} is needed`;
    return `${what} went from ${at} to ${to}: ${countText(missing.length, "migration")}`;
  });
  if (!check || missing.length === 0) return;
  throw new CliError({
    what: `${what} is behind this release`,
    why: `it lacks ${missing.join(", ")}`,
    fix: "fx migrate",
    exit: "refused",
  });
}
