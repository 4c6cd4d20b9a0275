import { writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { type Command, Option } from "commander";
import { makeDirectorySync } from "../../foundation/make-directory.ts";
import { usageError } from "../cli-error.ts";
import { type Session, withSession } from "../session.ts";

const prefixPattern = /^[a-z0-9][a-z0-9._-]{0,50}$/;

interface ExportOptions {
  for: "kibana" | "opensearch";
  prefix?: string;
}

export function defineKibana(program: Command): Command {
  const kibana = program.command("kibana").description("what Kibana shows of operational data in Elasticsearch");
  kibana
    .command("export")
    .description("write data views, a dashboard and index templates as files; saved-objects.ndjson is to be imported")
    .argument("[directory]", "where to; files of an earlier export are written again", "kibana")
    .addOption(
      new Option("--for <dashboards>", "whose import is to take them; opensearch: OpenSearch Dashboards")
        .choices(["kibana", "opensearch"])
        .default("kibana"),
    )
    .option("--prefix <prefix>", "in front of the names of indices (the setting opsData.prefix)")
    .action(withSession(exportObjects));
  return kibana;
}

async function exportObjects({ terminal, options: { dataDir } }: Session, directory: string, given: ExportOptions) {
  if (given.prefix !== undefined && !prefixPattern.test(given.prefix)) {
    throw usageError(
      `"${given.prefix}" is no prefix of indices: small letters, digits, ".", "_" and "-"`,
      "give --prefix",
    );
  }
  const [{ loadSettings }, { exportFiles }] = await Promise.all([
    import("../../config/settings.ts"),
    import("../../platform/kibana/export-files.ts"),
  ]);
  const { opsData } = loadSettings({ flags: { dataDir } }).settings;
  const { prefix, replicas } = opsData.driver === "elasticsearch" ? opsData : { prefix: "fx", replicas: 1 };
  const files = exportFiles({ prefix: given.prefix ?? prefix, replicas, whose: given.for });
  for (const [name, text] of Object.entries(files)) {
    const path = join(directory, name);
    makeDirectorySync(dirname(path));
    writeFileSync(path, text);
  }
  const names = Object.keys(files);
  await terminal.one({ directory, files: names }, () => names.map((name) => join(directory, name)).join("\n"));
}
