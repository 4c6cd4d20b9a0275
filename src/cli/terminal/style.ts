import { type InspectColor, styleText } from "node:util";

export type Paint = (style: InspectColor, text: string) => string;

/** Colours only where a person looks at a terminal; `NO_COLOR` (https://no-color.org) is honoured by styleText itself. */
export function paintFor(stream: NodeJS.WriteStream): Paint {
  if (!stream.isTTY) return (_style, text) => text;
  return (style, text) => styleText(style, text, { stream });
}

const styleOf: Record<string, InspectColor> = {
  completed: "green",
  matched: "green",
  ok: "green",
  failed: "red",
  rejected: "red",
  fail: "red",
  in_progress: "cyan",
  pending: "yellow",
  unmatched: "yellow",
  warn: "yellow",
  cancelled: "magenta",
  skipped: "gray",
};

/** One colour per status, beside its word and never instead of it. */
export function paintStatus(paint: Paint, status: string, text: string = status): string {
  const style = styleOf[status];
  return style ? paint(style, text) : text;
}
