import type { Command } from "commander";
import { defineConfiguration } from "../configuration/define-configuration.ts";
import { type Session, withSession } from "../session.ts";

interface ConfigOptions {
  changed?: boolean;
}

export function defineConfig(program: Command): Command {
  const config = program.command("config").description("the platform's settings, and the configuration of services");
  config
    .command("show")
    .description(
      "every setting: its value, where that came from, and its names as variable and flag; secrets are not shown",
    )
    .option("--changed", "only those that are not the default")
    .action(withSession(show));
  defineConfiguration(config);
  return config;
}

async function show({ terminal, options: { dataDir } }: Session, { changed }: ConfigOptions): Promise<void> {
  const { describeSettings, loadSettings } = await import("../../config/settings.ts");
  const all = describeSettings(loadSettings({ flags: { dataDir } }));
  const rows = changed ? all.filter(({ origin }) => origin !== "default") : all;
  const columns = [
    { title: "setting", of: ({ path }: (typeof rows)[number]) => path },
    { title: "value", of: ({ value }: (typeof rows)[number]) => (value === undefined ? "" : String(value)) },
    { title: "from", of: ({ origin }: (typeof rows)[number]) => origin },
    { title: "variable", of: ({ variable }: (typeof rows)[number]) => variable },
    { title: "meaning", of: ({ description }: (typeof rows)[number]) => description },
  ];
  await terminal.list(rows, columns, "all settings have their default");
}
