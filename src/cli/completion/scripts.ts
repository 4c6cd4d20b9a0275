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

/** Of a shell that knows POSIX patterns: what may follow an option, by the place and the option. */
function valuesFunction(places: readonly Place[]): string {
  const cases = places.flatMap(({ path, values }) =>
    values.map(({ option, words }) => `    ${quoted(`${path} ${option}`)}) echo ${quoted(words.join(" "))} ;;`),
  );
  return `_fx_values() {
  case "$1" in
${cases.join("\n")}
    *) return 1 ;;
  esac
}`;
}

function bash(places: readonly Place[]): string {
  return `# fx completion for bash: source <(fx completion bash)
_fx_words() {
  case "$1" in
${places.map(({ path, words }) => `    ${quoted(path)}) echo ${quoted(words.map(({ word }) => word).join(" "))} ;;`).join("\n")}
    *) return 1 ;;
  esac
}
${valuesFunction(places)}
_fx() {
  local current="\${COMP_WORDS[COMP_CWORD]}"
  local before=("\${COMP_WORDS[@]:1:COMP_CWORD-1}")
${findPlace}
  local values
  if ! values="$(_fx_values "$place \${COMP_WORDS[COMP_CWORD-1]}")"; then values="$(_fx_words "$place")"; fi
  mapfile -t COMPREPLY < <(compgen -W "$values" -- "$current")
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
${valuesFunction(places)}
_fx() {
  local -a fx_words before
  local values
  before=("\${(@)words[2,CURRENT-1]}")
${findPlace}
  if values="$(_fx_values "$place $words[CURRENT-1]")"; then compadd -- \${=values}; return; fi
  _fx_words "$place"
  _describe 'fx' fx_words || _files
}
compdef _fx fx
`;
}

function fish(places: readonly Place[]): string {
  const lines = places.flatMap(({ path, words, values }) =>
    words.map(({ word, description }) => {
      const known = values.find(({ option }) => option === word)?.words;
      const taken = known ? ` -x -a ${quoted(known.join(" "))}` : "";
      const what = word.startsWith("--") ? `-l ${word.slice(2)}${taken}` : `-f -a ${quoted(word)}`;
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
