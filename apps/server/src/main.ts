import { stdout } from 'node:process';
import { assertNever, MlError } from '@ml/runtime';
import { renderYaml } from '@ml/runtime/config';
import { ConfigFileError, exitCodeOf, readCommand } from './command.ts';
import { serverConfig } from './config.ts';
import { runDev } from './dev.ts';
import { errorText } from './log/logfmt.ts';
import { runServer } from './run.ts';
import { buildInfo, versionText } from './version.ts';

/** Runs one command line to its end and says the exit code: 0 done, 1 failed, 2 wrong command line. S-4 */
async function main(argv: readonly string[]): Promise<number> {
  try {
    const command = readCommand(argv, process.env);
    switch (command.type) {
      case 'help':
        stdout.write(command.text);
        return 0;
      case 'version':
        stdout.write(versionText(buildInfo(process.env)));
        return 0;
      case 'printConfig':
        stdout.write(renderYaml(serverConfig, command.config));
        return 0;
      case 'dev':
        return await runDev(command.dev);
      case 'run':
        return await runServer(command.config);
      default:
        return assertNever(command);
    }
  } catch (error) {
    process.stderr.write(failureText(error));
    return exitCodeOf(error);
  }
}

/** A wrong command line speaks for itself; its first line is the one that scripts look for. */
function failureText(error: unknown): string {
  const text = error instanceof Error ? errorText(error) : String(error);
  const isConfig = MlError.is(error, 'ML_CONFIG') || error instanceof ConfigFileError;
  return isConfig && exitCodeOf(error) === 1 ? `failed parsing config: ${text}\n` : `${text}\n`;
}

process.exit(await main(process.argv.slice(2)));
