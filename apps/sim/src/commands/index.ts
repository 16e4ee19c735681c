import { adviseCommand } from './advise.ts';
import type { Command } from './command.ts';
import { docsCommand } from './docs.ts';
import { lifeguardCommand } from './lifeguard.ts';
import { listCommand } from './list.ts';
import { replayCommand } from './replay.ts';
import { runCommand } from './run.ts';
import { schemaCommand } from './schema.ts';
import { shrinkCommand } from './shrink.ts';
import { swarmCommand } from './swarm.ts';
import { sweepCommand } from './sweep.ts';
import { theoryCommand } from './theory.ts';
import { tuningCommand } from './tuning.ts';

/** The subcommands of `ml-sim`, as help lists them. */
export const COMMANDS: readonly Command[] = [
  listCommand,
  runCommand,
  schemaCommand,
  swarmCommand,
  replayCommand,
  shrinkCommand,
  theoryCommand,
  lifeguardCommand,
  sweepCommand,
  adviseCommand,
  tuningCommand,
  docsCommand,
];
