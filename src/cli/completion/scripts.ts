import type { Place } from "./words-of.ts";

export const shells = ["bash", "zsh", "fish"] as const;
export type Shell = (typeof shells)[number];

/** A completion script, to be read by the shell at its start. */
export function completionScript(shell: Shell, places: readonly Place[]): string {
  return scripts[shell](places);
}

const scripts = { bash, zsh, fish } satisfies Record<Shell, (places: readonly Place[]) => string>;

/** The longest path of commands among the words before the cursor; options are passed over. */
const findPlace = `  local place="" word
  for word in "\${before[@]}"; do
    case "$word" in -*) continue ;; esac
    if _fx_words "\${place:+$place }$word" >/dev/null; then place="\${place:+$place }$word"; fi
  done`;

function bash(places: readonly Place[]): string {
  return `# fx completion for bash: source <(fx completion bash)
_fx_words() {
  case "$1" in
${places.map(({ path, words }) => `    ${quoted(path)}) echo ${quoted(words.map(({ word }) => word).join(" "))} ;;`).join("\n")}
    *) return 1 ;;
  esac
}
_fx() {
  local current="\${COMP_WORDS[COMP_CWORD]}"
  local before=("\${COMP_WORDS[@]:1:COMP_CWORD-1}")
${findPlace}
  mapfile -t COMPREPLY < <(compgen -W "$(_fx_words "$place")" -- "$current")
}
complete -o default -F _fx fx
`;
}

function zsh(places: readonly Place[]): string {
  const described = ({ word, description }: Place["words"][number]) =>
    quoted(`${word.replaceAll(":", "\\:")}:${description}`);
  return `#compdef fx
# fx completion for zsh: source <(fx completion zsh)
_fx_words() {
  case "$1" in
${places.map(({ path, words }) => `    ${quoted(path)}) fx_words=(${words.map(described).join(" ")}) ;;`).join("\n")}
    *) return 1 ;;
  esac
}
_fx() {
  local -a fx_words before
  before=("\${(@)words[2,CURRENT-1]}")
${findPlace}
  _fx_words "$place"
  _describe 'fx' fx_words || _files
}
compdef _fx fx
`;
}

function fish(places: readonly Place[]): string {
  const lines = places.flatMap(({ path, words }) =>
    words.map(({ word, description }) => {
      const what = word.startsWith("--") ? `-l ${word.slice(2)}` : `-f -a ${quoted(word)}`;
      return `complete -c fx -n ${quoted(`__fx_at ${quoted(path)}`)} ${what} -d ${quoted(description)}`;
    }),
  );
  return `# fx completion for fish: fx completion fish | source
function __fx_at
    set -l typed (commandline -opc)[2..-1]
    set -l place (string join ' ' -- (string match -v -- '-*' $typed))
    if test "$argv[1]" = ''
        test "$place" = ''
    else
        test "$place" = "$argv[1]"; or string match -q -- "$argv[1] *" "$place"
    end
end
${lines.join("\n")}
`;
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
