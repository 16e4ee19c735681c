import { execFileSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { type Sampler, startSampler } from './sampler.ts';

const source = fileURLToPath(new URL('../go', import.meta.url));
const binary = fileURLToPath(new URL('../.build/peer', import.meta.url));

/** Builds the Go peer, if its sources changed, and returns the versions that it was built with. */
export function buildGoPeer(): string {
  mkdirSync(new URL('../.build', import.meta.url), { recursive: true });
  execFileSync('go', ['build', '-o', binary, '.'], { cwd: source, stdio: 'inherit' });
  const run = (...args: string[]) => execFileSync('go', args, { cwd: source, encoding: 'utf8' });
  const modules = ['github.com/grafana/dskit', 'github.com/hashicorp/go-msgpack'];
  return [run('env', 'GOVERSION'), run('list', '-m', ...modules)]
    .map((text) => text.trim())
    .join(', ');
}

/** A fresh Go peer with one processor, as ours has one thread. */
export function startGoPeer(): Sampler {
  return startSampler(binary, [], { GOMAXPROCS: '1' });
}
