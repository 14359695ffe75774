import { type Command } from 'commander';
import { quoted } from './output.ts';

export const shells = ['bash', 'zsh', 'fish'] as const;
export type Shell = (typeof shells)[number];

interface Word {
  readonly text: string;
  readonly about: string;
}

/** What may stand behind the names of a command. */
interface Place {
  /** The names, each after a blank: ` patch list`; empty for the program itself. */
  readonly path: string;
  readonly commands: readonly Word[];
  readonly options: readonly Word[];
  /** Options that a value follows, and what that may be; no choices: a file, or what only the person knows. */
  readonly values: readonly { readonly option: string; readonly choices: readonly string[] }[];
}

/**
 * The script that completes commands, options and their choices in a shell, made from the program's own tree of commands.
 * It starts no process at a key press.
 */
export function completionScript(program: Command, shell: Shell): string {
  const places = placesOf(program, '', []);
  const make = { bash: bashScript, zsh: zshScript, fish: fishScript };
  return make[shell](program.name(), places);
}

function placesOf(command: Command, path: string, inherited: Command['options']): Place[] {
  const visible = command.createHelp().visibleCommands(command);
  const options = [...command.createHelp().visibleOptions(command), ...inherited];
  const takingValue = options.filter(({ required, optional }) => required || optional);
  const place = {
    path,
    commands: visible.map((each) => ({ text: each.name(), about: each.description() })),
    options: options.flatMap(({ long, short, description }) =>
      (long ?? short) === undefined ? [] : [{ text: long ?? short ?? '', about: description }],
    ),
    values: takingValue.map(({ long, short, argChoices }) => ({
      option: long ?? short ?? '',
      choices: argChoices ?? [],
    })),
  };
  const passedOn = [...command.options.filter(({ hidden, long }) => !hidden && long !== undefined), ...inherited];
  return [place, ...visible.flatMap((each) => placesOf(each, `${path} ${each.name()}`, passedOn))];
}

// Each script walks over the words before the present one: it passes over the values of options, and goes down the tree.
function bashScript(name: string, places: readonly Place[]): string {
  return `# bash completion for ${name}
_${name}() {
  local path='' word words='' i
  for ((i = 1; i < COMP_CWORD; i++)); do
    word=\${COMP_WORDS[i]}
    case "$path|$word" in
${shellCases(places, '      ')}
    esac
  done
  COMPREPLY=()
  case "$path|\${COMP_WORDS[COMP_CWORD-1]}" in
${valueCases(places, (choices) => `words=${quoted(choices.join(' '))}`, 'return')}
    *)
      case "$path" in
${places.map(({ path, commands, options }) => `        ${quoted(path)}) words=${quoted(textsOf([...commands, ...options]))} ;;`).join('\n')}
      esac
      ;;
  esac
  while IFS= read -r word; do COMPREPLY+=("$word"); done < <(compgen -W "$words" -- "\${COMP_WORDS[COMP_CWORD]}")
}
complete -o default -F _${name} ${name}
`;
}

function zshScript(name: string, places: readonly Place[]): string {
  const described = (words: readonly Word[]) =>
    words.map(({ text, about }) => quoted(`${text.replaceAll(':', '\\:')}:${about}`)).join(' ');
  return `#compdef ${name}
_${name}() {
  local place='' word i
  local -a found
  for ((i = 2; i < CURRENT; i++)); do
    word=$words[i]
    case "$place|$word" in
${shellCases(places, '      ').replaceAll('path=', 'place=')}
    esac
  done
  case "$place|$words[CURRENT-1]" in
${valueCases(places, (choices) => `found=(${choices.map(quoted).join(' ')})`, '_files; return')}
    *)
      case "$place" in
${places.map(({ path, commands, options }) => `        ${quoted(path)}) found=(${described([...commands, ...options])}) ;;`).join('\n')}
      esac
      ;;
  esac
  _describe '${name}' found || _files
}
compdef _${name} ${name}
`;
}

function fishScript(name: string, places: readonly Place[]): string {
  const at = (path: string) => `-n ${fishQuote(`__${name}_is ${fishQuote(path)}`)}`;
  const lines = places.flatMap(({ path, commands, options, values }) => [
    ...commands.map(
      ({ text, about }) => `complete -c ${name} ${at(path)} -f -a ${fishQuote(text)} -d ${fishQuote(about)}`,
    ),
    ...options.map(({ text, about }) => {
      const value = values.find(({ option }) => option === text);
      const takes =
        value === undefined ? '' : value.choices.length > 0 ? ` -x -a ${fishQuote(value.choices.join(' '))}` : ' -r';
      const flag = text.startsWith('--') ? `-l ${text.slice(2)}` : `-s ${text.slice(1)}`;
      return `complete -c ${name} ${at(path)} ${flag}${takes} -d ${fishQuote(about)}`;
    }),
  ]);
  return `# fish completion for ${name}
function __${name}_is
  set -l place ''
  set -l isValue 0
  for word in (commandline -opc)[2..]
    if test $isValue = 1
      set isValue 0
      continue
    end
    switch "$place|$word"
${fishCases(places)}
    end
  end
  test "$place" = "$argv[1]"
end
${lines.join('\n')}
`;
}

/** Where a word before the present one leads to, and which one has a value that is no word of its own. */
function shellCases(places: readonly Place[], indent: string): string {
  return places
    .flatMap(({ path, commands, values }) => [
      ...commands.map(({ text }) => `${indent}${quoted(`${path}|${text}`)}) path=${quoted(`${path} ${text}`)} ;;`),
      ...(values.length === 0
        ? []
        : [`${indent}${values.map(({ option }) => quoted(`${path}|${option}`)).join(' | ')}) ((i++)) ;;`]),
    ])
    .join('\n');
}

function valueCases(
  places: readonly Place[],
  offer: (choices: readonly string[]) => string,
  otherwise: string,
): string {
  return places
    .flatMap(({ path, values }) =>
      values.map(({ option, choices }) => {
        const then = choices.length > 0 ? offer(choices) : otherwise;
        return `    ${quoted(`${path}|${option}`)}) ${then} ;;`;
      }),
    )
    .join('\n');
}

function fishCases(places: readonly Place[]): string {
  return places
    .flatMap(({ path, commands, values }) => [
      ...commands.map(
        ({ text }) => `      case ${fishQuote(`${path}|${text}`)}\n        set place ${fishQuote(`${path} ${text}`)}`,
      ),
      ...values.map(({ option }) => `      case ${fishQuote(`${path}|${option}`)}\n        set isValue 1`),
    ])
    .join('\n');
}

function textsOf(words: readonly Word[]): string {
  return words.map(({ text }) => text).join(' ');
}

function fishQuote(text: string): string {
  return `'${text.replaceAll('\\', '\\\\').replaceAll("'", String.raw`\'`)}'`;
}
