"use strict";
// The first process of a container. The kernel keeps from it every signal that it has no handler for, so that it cannot be the
// script: that is a child, started with what this was given. It is passed on what this is asked; this ends as the script does, with 128 and the
// signal's number where a signal ended that.
const { spawn } = require("node:child_process");
const { constants } = require("node:os");

const passedOn = ["SIGHUP", "SIGINT", "SIGQUIT", "SIGTERM", "SIGUSR1", "SIGUSR2", "SIGWINCH"];

const script = spawn(process.execPath, process.argv.slice(2), { stdio: "inherit" });
for (const signal of passedOn) process.on(signal, () => script.kill(signal));
script.on("error", (error) => {
  console.error(`the script's process could not be started: ${error.message}`);
  process.exit(1);
});
script.on("exit", (code, signal) => process.exit(code ?? 128 + constants.signals[signal]));
