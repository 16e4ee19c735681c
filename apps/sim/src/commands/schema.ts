import { SimUsageError } from '../errors.ts';
import { scenarioJsonSchema } from '../scenario-schema.ts';
import type { Command } from './command.ts';

/** `ml-sim schema`: the JSON Schema of scenario files, for editors. */
export const schemaCommand: Command = {
  name: 'schema',
  usage: '',
  help: 'Prints the JSON Schema of scenario files, for editors.',
  run: async (argv, { stdout }) => {
    if (argv.length > 0)
      throw new SimUsageError(`schema takes no arguments, but got ${argv.join(' ')}`);
    stdout(`${JSON.stringify(scenarioJsonSchema(), undefined, 2)}\n`);
    return 0;
  },
};
