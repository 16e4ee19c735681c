/** Gossip messages beside memberlist's codec: `npx tsx bench/messages.ts [--quick] [--only name]`. */
import { buildGoPeer, startGoPeer } from './lib/go-peer.ts';
import { writeReport } from './lib/report.ts';
import { readOptions, runClaims, settle } from './lib/run-claims.ts';
import { compileWorkers } from './lib/workers.ts';

const claims = ['ping', 'alive', 'states100'].flatMap((message) =>
  ['encode', 'decode'].map((direction) => ({
    bench: `message.${direction}.${message}`,
    params: {},
    atLeast: 2,
  })),
);

const options = readOptions();
compileWorkers();
const peers = buildGoPeer();
const results = await runClaims(claims, startGoPeer, options);
if (!options.quick) {
  writeReport('messages', {
    title: 'Gossip messages beside memberlist',
    command: `npx tsx bench/messages.ts ${process.argv.slice(2).join(' ')}`.trim(),
    peers,
    results,
    notes: [],
  });
}
settle(results, options);
