"use strict";
const { readFileSync } = require("node:fs");
const { dirname } = require("node:path");
const { fileURLToPath } = require("node:url");
const { inspect } = require("node:util");

const ours = dirname(__dirname);

/** An error that nobody caught, as Node prints it. */
function describeError(error) {
  const lines = inspect(error).split("\n");
  const shown = lines.filter((line) => !(/^\s+at /.test(line) && line.includes(ours))).join("\n");
  const excerpt = error instanceof Error ? excerptOf(String(error.stack)) : "Uncaught:\n";
  return `${excerpt}${shown}\n\nNode.js ${process.version}\n`;
}

/** Where it was made: the place, the line, and a mark below. Empty where that is no file. */
function excerptOf(stack) {
  const [, place, line, column] = /^\s+at (?:.*\()?((?:file:\/\/)?\/[^\n]*?):(\d+):(\d+)\)?$/m.exec(stack) ?? [];
  if (place === undefined) return "";
  try {
    const source = readFileSync(place.startsWith("file:") ? fileURLToPath(place) : place, "utf8");
    const text = source.split("\n")[line - 1];
    return `${place}:${line}\n${text}\n${" ".repeat(column - 1)}^\n\n`;
  } catch {
    return "";
  }
}

module.exports = { describeError };
