import { Argument, type Command } from "commander";
import { type Shell, shells } from "../completion/scripts.ts";
import { type Session, withSession } from "../session.ts";

export function defineCompletion(program: Command): Command {
  return program
    .command("completion")
    .description("a script that lets the shell complete commands and options")
    .addArgument(new Argument("<shell>", "which one").choices(shells))
    .addHelpText("after", "\nbash, zsh:  source <(fx completion bash)\nfish:       fx completion fish | source")
    .action(withSession((session: Session, shell: Shell) => completion(session, shell, program)));
}

async function completion({ terminal }: Session, shell: Shell, program: Command): Promise<void> {
  const [{ completionScript }, { placesOf }] = await Promise.all([
    import("../completion/scripts.ts"),
    import("../completion/words-of.ts"),
  ]);
  terminal.raw(completionScript(shell, placesOf(program)));
}
