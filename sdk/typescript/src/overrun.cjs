"use strict";

/** Errors that only a limit of the run makes: whoever reads of the failure is told which limit it was. */
function limitOf(error) {
  if (error?.code === "EMFILE") return "openFiles";
  if (error?.code === "EAGAIN" && String(error.syscall).startsWith("spawn")) return "processes";
  if (error?.code === "ERR_WORKER_OUT_OF_MEMORY") return "memoryBytes";
  return undefined;
}

/** Tells it, if the script is about to end for such an error. */
function tellOfLimit(channel, error) {
  const limit = limitOf(error);
  if (limit === undefined) return;
  try {
    channel.tell("overrun", { limit });
  } catch {
    // The error itself is told in any case.
  }
}

module.exports = { tellOfLimit };
