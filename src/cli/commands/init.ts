import { existsSync, readdirSync, writeFileSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { type Command, Option } from "commander";
import { makeDirectorySync } from "../../foundation/make-directory.ts";
import { isValidName, nameRule } from "../../services/service-ref.ts";
import { CliError, usageError } from "../cli-error.ts";
import { type Session, withSession } from "../session.ts";

interface InitOptions {
  language: "python" | "typescript";
  name?: string;
}

/** What is started to run this very program, also with another Node. */
const ownProgram = fileURLToPath(new URL("../../../bin/fx.mjs", import.meta.url));

export function defineInit(program: Command): Command {
  return program
    .command("init")
    .description("a new service in a directory: a script, its manifest, its form, a test, and schemas for the editor")
    .argument("<directory>", "made when missing; must be empty")
    .addOption(
      new Option("--language <language>", "what its script is written in")
        .choices(["python", "typescript"])
        .default("python"),
    )
    .option("--name <name>", "the service's name; without it the directory's")
    .action(withSession(init));
}

async function init({ terminal }: Session, directory: string, options: InitOptions): Promise<void> {
  const { serviceFiles } = await import("../init/templates.ts");
  const root = resolve(directory);
  const name = options.name ?? basename(root);
  if (!isValidName(name)) throw usageError(`"${name}" cannot be the service's name: it ${nameRule}`, "give --name");
  if (existsSync(root) && readdirSync(root).length > 0) {
    throw new CliError({
      what: `${directory} is not empty`,
      why: "a new service must not mix with what is there",
      fix: `fx init ${join(directory, "my-service")}`,
      exit: "refused",
    });
  }
  const files = serviceFiles(name, options.language, ownProgram);
  // The service's name is its directory's, unless the manifest says otherwise.
  if (name !== basename(root)) files["manifest.json"] = withName(files["manifest.json"] ?? "{}", name);
  for (const [path, text] of Object.entries(files)) {
    makeDirectorySync(dirname(join(root, path)));
    writeFileSync(join(root, path), text, { flag: "wx" });
  }
  const paths = Object.keys(files).filter((path) => !path.startsWith("."));
  await terminal.one({ name, directory: root, files: Object.keys(files) }, () =>
    [`${name} is in ${root}`, ...paths.map((path) => `  ${path}`)].join("\n"),
  );
  terminal.next(`fx try ${directory}`);
}

function withName(manifest: string, name: string): string {
  const { $schema, ...rest } = JSON.parse(manifest) as Record<string, unknown>;
  return `${JSON.stringify({ $schema, name, ...rest }, undefined, 2)}\n`;
}
