import { SimUsageError } from '../errors.ts';
import { builtInNames, scenarioFile } from '../node-scenarios.ts';
import { readScenario } from '../scenario.ts';
import type { Command } from './command.ts';

/** `ml-sim list`: one built-in scenario a line, name first. */
export const listCommand: Command = {
  name: 'list',
  usage: '',
  help: 'Lists the built-in scenarios, one a line.',
  run: async (argv, { stdout }) => {
    if (argv.length > 0)
      throw new SimUsageError(`list takes no arguments, but got ${argv.join(' ')}`);
    const names = builtInNames();
    const width = names.reduce((most, name) => Math.max(most, name.length), 0);
    for (const name of names) {
      const { source, yaml } = scenarioFile(name);
      const { text } = readScenario(source, yaml);
      stdout(`${name.padEnd(width)}  ${text.description}\n`);
    }
    return 0;
  },
};
