import { readFileSync } from "node:fs";
import { type Command, Option } from "commander";
import { messageOf } from "../../foundation/errors.ts";
import { defaultProject } from "../../services/service-ref.ts";
import { usageError } from "../cli-error.ts";
import type { BacktestAnswer } from "../connection/wire.ts";
import { mapCommand, quoted, type WrittenMapping } from "../map/map-command.ts";
import { serviceRefOf } from "../service-ref.ts";
import { type Session, withSession } from "../session.ts";
import { wholeNumber } from "../terminal/read-options.ts";

interface BacktestOptions {
  link?: string;
  mapping?: string;
  filter?: string;
  version?: string;
  project: string;
  hours: number;
  samples: number;
}

export function defineBacktest(program: Command): Command {
  return program
    .command("backtest")
    .description("what a link or a mapping would have done with the events of the last hours; nothing is started")
    .argument("[service]", "with --link: project/name, or a name")
    .addOption(new Option("--link <eventType>", "try a link from this type to the service").conflicts("mapping"))
    .option("--mapping <file>", "try the mapping in this JSON file, as POST /mappings takes it")
    .option("--filter <expression>", "with --link: CEL over `event`")
    .option("--version <version>", "with --link: a version's id (the active one)")
    .option("--project <project>", "the project of a bare service name", defaultProject)
    .option("--hours <hours>", "how far back", wholeNumber(1, 24 * 366), 24)
    .option("--samples <count>", "so many events as examples", wholeNumber(0, 100), 5)
    .action(withSession(backtest));
}

async function backtest({ api, terminal }: Session, service: string | undefined, options: BacktestOptions) {
  const { hours, samples } = options;
  const proposal = proposalOf(service, options);
  const { body } = await api.send<BacktestAnswer>("POST", "/api/v1/route/backtest", {
    json: { ...proposal.json, hours, samples },
  });
  await terminal.one(body, async () => {
    const { backtestText } = await import("../map/backtest-text.ts");
    return backtestText(body, terminal.paint, Date.now());
  });
  const next = proposal.next();
  if (next !== undefined) terminal.next(next);
}

function proposalOf(
  service: string | undefined,
  options: BacktestOptions,
): {
  json: object;
  /** The command that makes what was tried, once the API has found it sound. */
  next(): string | undefined;
} {
  const { link, mapping, filter, version } = options;
  if (mapping !== undefined) {
    const json = readMapping(mapping);
    return { json: { mapping: json }, next: () => mapCommand(json as WrittenMapping) };
  }
  if (link === undefined || service === undefined) {
    throw usageError(
      "name what to try: --link with a service, or --mapping",
      "fx backtest --link order.placed <service>",
    );
  }
  const { project, name, text } = serviceRefOf(service, options.project);
  const more = { ...(filter === undefined ? {} : { filter }), ...(version === undefined ? {} : { version }) };
  const rest = [
    ...(filter === undefined ? [] : ["--filter", quoted(filter)]),
    ...(version === undefined ? [] : ["--version", quoted(version)]),
  ];
  return {
    json: { link: { project, service: name, eventType: link, ...more } },
    next: () => ["fx link", quoted(link), text, ...rest].join(" "),
  };
}

function readMapping(file: string): unknown {
  try {
    return JSON.parse(readFileSync(file, "utf8"));
  } catch (error) {
    throw usageError(`--mapping ${file} cannot be read: ${messageOf(error)}`, "fx backtest --help");
  }
}
