/** Where a command writes and what it knows of its surroundings. */
export interface CommandContext {
  readonly env: NodeJS.ProcessEnv;
  /** Fires at the first Ctrl-C. */
  readonly signal: AbortSignal;
  readonly stdout: (text: string) => void;
  readonly stderr: (text: string) => void;
  /** Whether standard error is a terminal, so that progress may be shown. */
  readonly showsProgress: boolean;
}

/** One subcommand of `ml-sim`. */
export interface Command {
  readonly name: string;
  /** Behind the name, for the list of commands. */
  readonly usage: string;
  readonly help: string;
  /** Runs it and says the exit code: 0 fine, 1 an assertion did not hold. @throws {SimUsageError} for exit code 2 */
  run(argv: readonly string[], context: CommandContext): Promise<number>;
}
