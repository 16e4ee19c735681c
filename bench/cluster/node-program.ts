// Nodes of ours in one process, told what to do by a line of JSON each way: what is measured beside dskit's.
import { createInterface } from 'node:readline';
import { Nodes } from './nodes.ts';
import type { NodesAnswer, NodesRequest } from './protocol.ts';

const nodes = new Nodes();

async function handle(request: NodesRequest): Promise<NodesAnswer> {
  switch (request.do) {
    case 'start':
      return { seed: await nodes.start(request) };
    case 'register':
      await nodes.register(request.tokens, request.total);
      return {};
    case 'watch':
      nodes.watch(request.on);
      return {};
    case 'cas':
      return { visibleMs: await nodes.cas(request.node, request.timeoutMs) };
    case 'heartbeat':
      nodes.heartbeat(request.everyMs);
      return {};
    case 'usage':
      return usage();
  }
}

function usage(): NodesAnswer {
  const { user, system } = process.cpuUsage();
  return {
    cpuMs: (user + system) / 1000,
    beats: nodes.sum('memberlist_client_cas_success_total'),
    packets: nodes.sum('memberlist_tcp_transport_packets_sent_total'),
    dropped: nodes.sum('memberlist_tcp_transport_packets_dropped_total'),
  };
}

for await (const line of createInterface({ input: process.stdin })) {
  const request: NodesRequest = JSON.parse(line);
  let answer: NodesAnswer;
  try {
    answer = await handle(request);
  } catch (error) {
    answer = { error: error instanceof Error ? error.message : String(error) };
  }
  process.stdout.write(`${JSON.stringify(answer)}\n`);
}
process.exit();
