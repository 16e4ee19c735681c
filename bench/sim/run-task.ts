import { execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { loadavg } from 'node:os';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { PhaseCost, SimRun, SimTask } from './protocol.ts';

const program = fileURLToPath(new URL('program.ts', import.meta.url));
/** Messages live for a moment: room for more of them spares the collector copies. */
const SEMI_SPACE_MIB = 64;

const kept = new URL('../.build/sim/', import.meta.url);

/** Runs a task in a fresh process and keeps what came out, for later reports: phase by phase, as long runs may be cut short. */
export async function runTask(task: SimTask): Promise<SimRun> {
  // Before the run: others may commit meanwhile, and a changed tree is told.
  const describe = ['describe', '--always', '--dirty', '--exclude', '*'];
  const commit = execFileSync('git', describe, { encoding: 'utf8' }).trim();
  const phases: PhaseCost[] = [];
  const args = [
    '--expose-gc',
    `--max-old-space-size=${task.heapMiB}`,
    `--max-semi-space-size=${SEMI_SPACE_MIB}`,
    '--import',
    import.meta.resolve('tsx'),
    program,
    JSON.stringify(task),
  ];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  const exited = new Promise<number | string>((resolve) =>
    child.once('exit', (code, signal) => resolve(code ?? signal ?? 'an unknown end')),
  );
  const runSoFar = (): SimRun => {
    const load = loadavg()
      .map((value) => value.toFixed(1))
      .join(' / ');
    return { task, date: new Date().toISOString(), commit, node: process.version, load, phases };
  };
  mkdirSync(kept, { recursive: true });
  for await (const line of createInterface({ input: child.stdout })) {
    const cost: PhaseCost = JSON.parse(line);
    phases.push(cost);
    const { phase, cpuS, virtualS, events, peakBytes } = cost;
    const figures = `${virtualS.toFixed(0)} virtual s, ${cpuS.toFixed(1)} s of processor time, ${events} events`;
    console.log(`${task.name}: ${phase}: ${figures}, peak ${(peakBytes / 2 ** 30).toFixed(2)} GiB`);
    writeFileSync(new URL(`${task.name}.json`, kept), JSON.stringify(runSoFar()));
  }
  const end = await exited;
  if (end !== 0) throw new TypeError(`the simulation ${task.name} was ended by ${end}`);
  return runSoFar();
}

/** The run of that name as it was kept last, undefined when there is none. */
export function keptRun(name: string): SimRun | undefined {
  const file = new URL(`${name}.json`, kept);
  return existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : undefined;
}
