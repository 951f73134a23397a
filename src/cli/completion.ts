import { UsageError } from './failure.ts';
import { VERBS, type VerbSpec } from './verbs.ts';

const SHELLS = { bash, zsh, fish } as const;

/** A completion script for one shell, made from the table of verbs. */
export function completionScript(shell: string): string {
  const make = SHELLS[shell.toLowerCase() as keyof typeof SHELLS];
  if (make === undefined) throw new UsageError(`there is no completion for "${shell}": bash, zsh or fish`);
  return make();
}

const verbs = () => VERBS.map(({ verb }) => verb).join(' ');
const optionWords = ({ options }: VerbSpec) => options.map(({ long }) => `--${long}`).join(' ');

function bash(): string {
  const cases = VERBS.map((verb) => {
    const choices = verb.options
      .filter((option) => option.choices !== undefined)
      .map(
        (option) =>
          `      --${option.long}) COMPREPLY=($(compgen -W "${option.choices!.join(' ')}" -- "$word")); return;;`,
      );
    return `    ${verb.names.join('|')})\n      case "$before" in\n${choices.join('\n')}\n      esac\n      words="${optionWords(verb)}";;`;
  });
  return `# bash completion of winevt: source <(winevt completion bash)
_winevt() {
  local word="\${COMP_WORDS[COMP_CWORD]}" before="\${COMP_WORDS[COMP_CWORD-1]}" words=""
  if [ "$COMP_CWORD" -eq 1 ]; then COMPREPLY=($(compgen -W "${verbs()} --help --version" -- "$word")); return; fi
  case "\${COMP_WORDS[1]}" in
${cases.join('\n')}
  esac
  case "$word" in
    -*) COMPREPLY=($(compgen -W "$words --help" -- "$word"));;
    *) COMPREPLY=($(compgen -f -- "$word"));;
  esac
}
complete -o filenames -F _winevt winevt
`;
}

function zsh(): string {
  const quoted = (text: string) => text.replaceAll("'", "'\\''").replaceAll(/[[\]:]/g, '\\$&');
  const cases = VERBS.map((verb) => {
    const options = verb.options.map(({ long, help, kind, choices, file }) => {
      const values = choices === undefined ? (file ? '_files' : ' ') : `(${choices.join(' ')})`;
      return `'--${long}[${quoted(help)}]${kind === 'value' ? `:value:${values}` : ''}'`;
    });
    return `    ${verb.names.join('|')}) _arguments ${[...options, "'*:file:_files'"].join(' ')};;`;
  });
  return `#compdef winevt
# zsh completion of winevt: winevt completion zsh > "\${fpath[1]}/_winevt"
_winevt() {
  if (( CURRENT == 2 )); then
    local -a verbs=(${VERBS.map(({ verb, summary }) => `'${verb}:${quoted(summary)}'`).join(' ')})
    _describe verb verbs
    return
  fi
  local verb=$words[2]
  shift words; (( CURRENT-- ))
  case $verb in
${cases.join('\n')}
  esac
}
_winevt "$@"
`;
}

function fish(): string {
  const quoted = (text: string) => text.replaceAll("'", "\\'");
  const lines = VERBS.flatMap((verb) => [
    `complete -c winevt -n __fish_use_subcommand -a ${verb.verb} -d '${quoted(verb.summary)}'`,
    ...verb.options.map(({ long, help, kind, choices, file }) => {
      const value =
        kind === 'switch' ? '' : choices === undefined ? (file ? ' -rF' : ' -x') : ` -xa '${choices.join(' ')}'`;
      return `complete -c winevt -n '__fish_seen_subcommand_from ${verb.names.join(' ')}' -l ${long}${value} -d '${quoted(help)}'`;
    }),
  ]);
  return `# fish completion of winevt: winevt completion fish > ~/.config/fish/completions/winevt.fish\n${lines.join('\n')}\n`;
}
