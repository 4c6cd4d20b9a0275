/** What every command may end with. Scripts depend on them: a number never changes its meaning. */
export const exitCodes = {
  ok: { code: 0, meaning: "It was done." },
  refused: { code: 1, meaning: "The platform refused it, or it failed; standard error says why." },
  usage: { code: 2, meaning: "The command line is wrong: an unknown command, option or value." },
  notFound: { code: 3, meaning: "What was named does not exist." },
  unreachable: {
    code: 4,
    meaning: "No platform answers, or it cannot serve right now. The same command may work later.",
  },
  runFailed: {
    code: 5,
    meaning: "With `--wait`: the flow is quiet, and an execution in it failed, or an event of it was rejected.",
  },
  replayDiffers: {
    code: 8,
    meaning: "With `fx replay --exit-code`: an execution differs, failed, or could not be run again.",
  },
  notAllowed: { code: 6, meaning: "The token is missing, wrong, or may not do this." },
  waitEnded: { code: 7, meaning: "With `--wait`: the flow was not quiet in the time given. It goes on without you." },
  interrupted: { code: 130, meaning: "Ctrl-C." },
} as const satisfies Record<string, { code: number; meaning: string }>;

export type ExitName = keyof typeof exitCodes;
