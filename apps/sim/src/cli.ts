import { MlError } from '@ml/runtime';
import type { CommandContext } from './commands/command.ts';
import { COMMANDS } from './commands/index.ts';

/** Runs one command line to its end and says the exit code: 0 fine, 1 an assertion or the run failed, 2 wrong use. */
export async function runCli(argv: readonly string[], context: CommandContext): Promise<number> {
  const [name, ...rest] = argv;
  if (name === 'help' || name === '--help' || name === '-h' || name === '-help') {
    context.stdout(helpText());
    return 0;
  }
  const command = COMMANDS.find((each) => each.name === name);
  if (command === undefined) {
    const said =
      name === undefined ? 'a command is missing' : `there is no command ${JSON.stringify(name)}`;
    context.stderr(`${said}\n${helpText()}`);
    return 2;
  }
  if (rest.includes('--help') || rest.includes('-h')) {
    context.stdout(`ml-sim ${command.name} ${command.usage}\n${command.help}\n`);
    return 0;
  }
  try {
    return await command.run(rest, context);
  } catch (error) {
    context.stderr(`${error instanceof Error ? error.message : String(error)}\n`);
    return isUsage(error) ? 2 : 1;
  }
}

function isUsage(error: unknown): boolean {
  return MlError.is(error, 'ML_SIM_USAGE') || MlError.is(error, 'ML_SIM_SCENARIO');
}

function helpText(): string {
  const lines = COMMANDS.map(({ name, usage, help }) => `  ${name} ${usage}\n      ${help}`);
  return `ml-sim simulates whole clusters in virtual time, with the code that ml-server runs.\n\n${lines.join('\n')}\n`;
}
