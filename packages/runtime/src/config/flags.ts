import type { ConfigFault } from './errors.ts';
import { nearest } from './nearest.ts';
import { leavesOf, type Section } from './section.ts';

/** A command line, taken apart. */
export interface ParsedFlags {
  /** The texts given to each flag (without dash), in order. A boolean flag of its own has the text "true". */
  readonly texts: ReadonlyMap<string, readonly string[]>;
  /** What follows the flags: from the first argument that is none, or from behind `--`. */
  readonly positional: readonly string[];
  /** Unknown flags and flags without their value; those are left out of `texts`. */
  readonly faults: readonly ConfigFault[];
}

/**
 * Takes a command line apart by Go's rules: `-name value`, `-name=value`, one dash or two; a boolean flag is `-name` or
 * `-name=false`, never `-name false`. Values are not looked at yet. Never throws: `loadConfig` reports the faults
 * together with all others.
 */
export function parseFlags(section: Section, argv: readonly string[]): ParsedFlags {
  const kinds = new Map<string, { readonly flagOnly: boolean }>();
  for (const { flag, option } of leavesOf(section)) {
    if (flag !== undefined) kinds.set(flag, { flagOnly: option.value.flagOnly === true });
  }
  const texts = new Map<string, string[]>();
  const faults: ConfigFault[] = [];
  let at = 0;
  while (at < argv.length) {
    const argument = argv[at] ?? '';
    if (!argument.startsWith('-') || argument === '-') break;
    at++;
    if (argument === '--') break;
    const [, name = '', , given] = /^--?([^=]*)(=(.*))?$/s.exec(argument) ?? [];
    const kind = kinds.get(name);
    if (name === '' || name.startsWith('-')) {
      faults.push({ source: 'flag', message: `bad flag syntax: ${argument}` });
      continue;
    }
    if (kind === undefined) {
      faults.push(unknownFlag(name, [...kinds.keys()]));
      // What follows is most likely its value; the flags behind that are still worth checking.
      if (given === undefined && argv[at]?.startsWith('-') === false) at++;
      continue;
    }
    const text = given ?? (kind.flagOnly ? 'true' : argv[at++]);
    if (text === undefined) {
      faults.push({ source: 'flag', flag: name, message: `flag needs an argument: -${name}` });
      continue;
    }
    const known = texts.get(name);
    if (known === undefined) texts.set(name, [text]);
    else known.push(text);
  }
  return { texts, positional: argv.slice(at), faults };
}

function unknownFlag(name: string, known: readonly string[]): ConfigFault {
  const meant = nearest(name, known).map((flag) => `-${flag}`);
  const hint = meant.length > 0 ? ` Did you mean ${meant.join(' or ')}?` : '';
  return {
    source: 'flag',
    flag: name,
    message: `flag provided but not defined: -${name}\nRun with -help to see the flags.${hint}`,
  };
}
