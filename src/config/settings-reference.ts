import { type Setting, settingList } from "./setting-list.ts";

/** The reference of all settings, as Markdown; `docs/reference/settings.md` is this text. */
export function settingsReference(): string {
  const groups = new Map<string, Setting[]>();
  for (const setting of settingList) {
    const group = setting.path.includes(".") ? setting.path.slice(0, setting.path.indexOf(".")) : "The platform";
    groups.set(group, [...(groups.get(group) ?? []), setting]);
  }
  return [
    "# Settings",
    "",
    "No setting is needed: everything runs embedded, below `./.fx`. A setting is taken from a flag, else from the",
    "environment, else from `fx.config.json` in the directory the platform is started from, else its default.",
    'In `fx.config.json` the part before the dot is a group: `{"port": 9000, "executor": {"slots": 8}}`.',
    "Names that are no settings are refused. Times are in milliseconds, sizes in bytes. `fx config show` prints what is in force.",
    "",
    "<!-- Made by `npm run docs` from src/config/settings-schema.ts; changes are made there. -->",
    ...[...groups].flatMap(([name, settings]) => section(name, settings)),
    "",
  ].join("\n");
}

function section(name: string, settings: readonly Setting[]): string[] {
  return [
    "",
    `## ${name}`,
    "",
    "| Setting | Environment | Flag | Accepts | Default | |",
    "|---|---|---|---|---|---|",
    ...settings.map(
      ({ path, variable, flag, accepts, default: fallback, description }) =>
        `| \`${path}\` | \`${variable}\` | ${flag === undefined ? "" : `\`${flag}\``} | ${accepts} | ${fallback === undefined ? "" : `\`${fallback}\``} | ${description} |`,
    ),
  ];
}
