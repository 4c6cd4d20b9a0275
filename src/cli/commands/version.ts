import type { Command } from "commander";
import { productVersion } from "../../platform/product-version.ts";
import { type Session, withSession } from "../session.ts";

export function defineVersion(program: Command): Command {
  return program
    .command("version")
    .description("the version of StreamZero FX, and of its Node; `fx --version` too")
    .action(withSession(version));
}

async function version({ terminal }: Session): Promise<void> {
  const answer = {
    version: productVersion,
    node: process.versions.node,
    platform: `${process.platform}-${process.arch}`,
  };
  await terminal.one(answer, () => `StreamZero FX ${answer.version} (Node ${answer.node}, ${answer.platform})`);
}
