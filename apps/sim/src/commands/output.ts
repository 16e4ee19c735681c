import { writeFileSync } from 'node:fs';
import { SimUsageError } from '../errors.ts';

/** Writes a file that a flag named. @throws {SimUsageError} when it cannot be written */
export function writeOutput(flag: string, path: string, text: string): void {
  try {
    writeFileSync(path, text);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new SimUsageError(`--${flag}: cannot write ${JSON.stringify(path)}: ${reason}`, {
      cause: error,
    });
  }
}
