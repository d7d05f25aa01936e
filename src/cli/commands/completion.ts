/** Shell completion, made from the program's own commands and options, so that it can't lag behind them. */
import type { Command, Option } from "commander";
import { ExitStatus, SondeError } from "../../errors/error.ts";

interface Flags {
  readonly flags: readonly string[];
  readonly help: string;
  readonly takes: boolean;
  readonly choices: readonly string[];
}

const flagsOf = (command: Command): Flags[] => [
  ...command.options.map((option: Option) => ({
    flags: [option.short, option.long].filter((flag) => flag !== undefined),
    help: option.description,
    takes: option.required,
    choices: option.argChoices ?? [],
  })),
  { flags: ["-h", "--help"], help: "show help", takes: false, choices: [] },
];

/** Commands whose arguments are files. */
const TAKES_FILES = new Set(["run", "check", "explain"]);
const words = (flags: readonly Flags[]): string => flags.flatMap((flag) => flag.flags).join(" ");
const quote = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`;

function bash(program: Command): string {
  const cases = program.commands.map((command) => `    ${command.name()}) options=${quote(words(flagsOf(command)))} ;;`);
  return `# bash completion of sonde: source <(sonde completion bash)
_sonde() {
  local word=\${COMP_WORDS[COMP_CWORD]} before=\${COMP_WORDS[COMP_CWORD-1]} command= i options
  for ((i = 1; i < COMP_CWORD; i++)); do
    case \${COMP_WORDS[i]} in
      --) return ;;
      ${program.commands.map((command) => command.name()).join("|")}) command=\${COMP_WORDS[i]}; break ;;
    esac
  done
  case $before in
    --format) COMPREPLY=($(compgen -W 'text json' -- "$word")); return ;;
    --engine) COMPREPLY=($(compgen -W 'auto kernel breakpoint inline' -- "$word")); return ;;
    -p|--process) COMPREPLY=($(compgen -W "$(ps -eo comm= | sort -u)" -- "$word")); return ;;
    -o|--output|--cgroup) COMPREPLY=($(compgen -f -- "$word")); return ;;
    completion) COMPREPLY=($(compgen -W 'bash zsh fish' -- "$word")); return ;;
  esac
  case $command in
${cases.join("\n")}
    *) options=${quote(`${words(flagsOf(program))} ${program.commands.map((command) => command.name()).join(" ")}`)} ;;
  esac
  COMPREPLY=($(compgen -W "$options" -- "$word"))
  case $command in ${[...TAKES_FILES].join("|")}) COMPREPLY+=($(compgen -f -- "$word")) ;; esac
}
complete -o filenames -F _sonde sonde
`;
}

function zshArguments(command: Command): string {
  const escaped = (text: string): string => text.replaceAll(/[[\]:']/g, (c) => (c === "'" ? "'\\''" : `\\${c}`));
  const specs = flagsOf(command).map(({ flags, help, takes, choices }) => {
    const value = takes ? `:value:${choices.length > 0 ? `(${choices.join(" ")})` : "_files"}` : "";
    const head = flags.length > 1 ? `(${flags.join(" ")})'{${flags.join(",")}}'` : flags[0];
    return `'${head}[${escaped(help)}]${value}'`;
  });
  return [...specs, ...(TAKES_FILES.has(command.name()) ? ["'*:file:_files'"] : [])].join(" ");
}

function zsh(program: Command): string {
  const names = program.commands.map((command) => quote(`${command.name()}:${command.description().replaceAll(":", "\\:")}`));
  return `#compdef sonde
# zsh completion of sonde: sonde completion zsh > "\${fpath[1]}/_sonde"
_sonde() {
  local -a commands=(${names.join(" ")})
  if (( CURRENT > 2 )); then
    case $words[2] in
${program.commands.map((command) => `      ${command.name()}) shift words; (( CURRENT-- )); _arguments ${command.name() === "completion" ? "'1:shell:(bash zsh fish)'" : zshArguments(command)}; return ;;`).join("\n")}
    esac
  fi
  _arguments ${zshArguments(program)} '1:command:{_describe command commands}'
}
_sonde "$@"
`;
}

function fish(program: Command): string {
  const none = `not __fish_seen_subcommand_from ${program.commands.map((command) => command.name()).join(" ")}`;
  const option =
    (condition: string) =>
    ({ flags, help, takes, choices }: Flags) => {
      const names = flags.map((flag) => (flag.startsWith("--") ? `-l ${flag.slice(2)}` : `-s ${flag.slice(1)}`)).join(" ");
      const value = choices.length > 0 ? ` -x -a ${quote(choices.join(" "))}` : takes ? " -r" : "";
      return `complete -c sonde -n ${quote(condition)} ${names}${value} -d ${quote(help)}`;
    };
  return [
    "# fish completion of sonde: sonde completion fish > ~/.config/fish/completions/sonde.fish",
    ...program.commands.map((command) => `complete -c sonde -f -n ${quote(none)} -a ${command.name()} -d ${quote(command.description())}`),
    ...flagsOf(program).map(option(none)),
    ...program.commands.flatMap((command) => flagsOf(command).map(option(`__fish_seen_subcommand_from ${command.name()}`))),
    `complete -c sonde -f -n '__fish_seen_subcommand_from completion' -a 'bash zsh fish'`,
    "",
  ].join("\n");
}

const SHELLS: { readonly [shell: string]: (program: Command) => string } = { bash, zsh, fish };

export function completion(shell: string, program: Command): number {
  const make = SHELLS[shell];
  if (make === undefined) {
    throw new SondeError("SONDE_USAGE", `no completion for '${shell}'`, { mend: "There is one for bash, zsh and fish.", exit: ExitStatus.usage });
  }
  process.stdout.write(make(program));
  return ExitStatus.ok;
}
