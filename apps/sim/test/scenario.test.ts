import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { readScenario, scenarioJsonSchema } from '../src/index.ts';

const MINIMAL = 'description: nothing\nnodes: 3\nduration: 10s\n';

function faultsOf(yaml: string): string {
  try {
    readScenario('file.yaml', yaml);
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
  return 'no fault';
}

describe('a scenario file', () => {
  test('needs description, nodes and duration, and has a default for everything else', () => {
    const { text, config } = readScenario('minimal', MINIMAL);
    expect(text).toMatchObject({ seed: 1, mode: 'full', duration: 10_000, sample: 1000 });
    expect(text.nodes).toMatchObject([{ count: 3, started: true }]);
    expect(config.memberlist.kv.gossipIntervalMs).toBe(200);
    expect(faultsOf('nodes: 3\n')).toContain('description: ');
  });

  test('with an unknown key is refused with its place and the keys that exist', () => {
    expect(faultsOf(`${MINIMAL}network:\n  los: 1%\n`)).toBe(
      'file.yaml:5:3: network: unknown key "los"; write one of mode, max_packet_bytes, latency, loss, duplicate, reorder, reorder_by, corrupt, bandwidth, zones',
    );
  });

  test('with a wrong value is refused with its place and what may stand there', () => {
    expect(faultsOf(MINIMAL.replace('10s', 'soon'))).toBe(
      'file.yaml:3:11: duration: write a duration such as 500ms, 30s or 5m',
    );
    expect(faultsOf(`${MINIMAL}timeline:\n  - at: 1s\n    dns: {fault: broken}\n`)).toMatch(
      /^file\.yaml:6:18: timeline\.0\.dns\.fault: .*"outage"\|"hang"/,
    );
  });

  test('has the server check its own options, at their place', () => {
    const faults = faultsOf(`${MINIMAL}config:\n  memberlist:\n    gossip_intervall: 1s\n`);
    expect(faults).toMatch(
      /^file\.yaml:6:5: config: unknown key "gossip_intervall".*gossip_interval/,
    );
  });

  test('does one thing an entry of the timeline', () => {
    expect(faultsOf(`${MINIMAL}timeline:\n  - {at: 1s, kill: a, stop: b}\n`)).toContain(
      'does one thing, not kill and stop',
    );
    expect(faultsOf(`${MINIMAL}timeline:\n  - {at: 1s}\n`)).toContain('write one of kill, stop');
  });

  test('with an assertion that cannot be understood is told what can be asserted', () => {
    expect(faultsOf(`${MINIMAL}assert:\n  - flase deaths == 0\n`)).toMatch(
      /^file\.yaml:5:5: assert\.0: .*"flase deaths" is nothing that can be asserted; write one of: .*false deaths/,
    );
  });

  test.each([
    ['kill: ^node-7', 'kill.0: no node is called "node-7"'],
    ['pause: [node-1, ^web-*]', 'pause.1: no node is called "web-*"'],
    ['stop: ^zone east', 'stop.0: no node is in zone "east": there are no zones'],
    ['start: ^cluster b', 'start.0: no node is in cluster "b": write one of main'],
    ['partition: [node-0, ^x]', 'partition.1.0: no node is called "x"'],
    ['ip_reuse: {of: ^x, name: y}', 'ip_reuse.of: no node is called "x"'],
    ['dns: {fault: hang, nodes: ^x}', 'dns.nodes.0: no node is called "x"'],
    ['forget: {instances: all, by: ^x}', 'forget.by: no node is called "x"'],
  ])('whose timeline says %j is refused with the place', (marked, message) => {
    const entry = `  - {at: 1s, ${marked}}`;
    const column = entry.indexOf('^') + 1;
    const faults = faultsOf(`${MINIMAL}timeline:\n${entry.replace('^', '')}\n`);
    expect(faults).toContain(`file.yaml:5:${column}: timeline.0.${message}`);
    expect(faults).toContain('a node name, a pattern with *');
  });

  test.each([
    ['duration: ^10 sec', 'duration: write a duration such as 500ms, 30s or 5m'],
    ['duration: ^10', 'duration: write a duration such as 500ms, 30s or 5m'],
    ['duration: 1m\nnetwork: { latency: ^5 }', 'network.latency: write a duration, or {distrib'],
    ['duration: 1m\nnetwork: { loss: ^120% }', 'network.loss: write a share such as 1% or 0.01'],
    ['duration: 1m\nnetwork: { bandwidth: ^5mb }', 'network.bandwidth: write an amount of bytes'],
    [
      'duration: 1m\nassert: [^bytes per node < 5s]',
      'assert.0: assertion "bytes per node < 5s": "5s"',
    ],
    ['duration: 1m\nassert: [^detection max < 5]', 'assert.0: assertion "detection max < 5": "5"'],
  ])(
    'with a wrong unit is refused with the place and what may stand there: %j',
    (marked, message) => {
      const [before = ''] = marked.split('^', 1);
      const lines = before.split('\n');
      const place = `${lines.length + 2}:${(lines.at(-1) ?? '').length + 1}`;
      const faults = faultsOf(`description: x\nnodes: 3\n${marked.replace('^', '')}\n`);
      expect(faults).toContain(`file.yaml:${place}: ${message}`);
    },
  );

  test('may name nodes that its timeline adds', () => {
    const yaml = `${MINIMAL}timeline:
  - {at: 1s, scale: {add: 2, zone: east}}
  - {at: 2s, ip_reuse: {of: node-4, name: other, cluster: b}}
  - {at: 3s, kill: [node-3, other, zone east, cluster b]}
`;
    expect(faultsOf(yaml)).toBe('no fault');
    expect(faultsOf(yaml.replace('add: 2', 'add: 1'))).toContain('no node is called "node-4"');
  });

  test('with links between zones that are not there is refused', () => {
    expect(faultsOf(`${MINIMAL}network:\n  zones: [{from: a, to: b, loss: 1%}]\n`)).toContain(
      'file.yaml:5:18: network.zones.0.from: no node is in zone "a"',
    );
  });

  test('that is broken YAML is refused with the place', () => {
    expect(faultsOf('description: [')).toMatch(/^file\.yaml:1:\d+: /);
  });
});

describe('the command line', () => {
  test('wins over the file, for options of the server and of the scenario', () => {
    const { text, config } = readScenario('minimal', MINIMAL, {
      seed: 9,
      nodes: 7,
      set: ['memberlist.gossip_interval=500ms', 'network.loss=1%', 'gossip.preset=lan'],
    });
    expect(text).toMatchObject({ seed: 9, nodes: [{ count: 7 }], network: { loss: 0.01 } });
    expect(config.memberlist.kv.gossipIntervalMs).toBe(500);
    expect(text.gossip.preset).toBe('lan');
  });

  test('is refused where it sets what does not exist', () => {
    expect(() => readScenario('minimal', MINIMAL, { set: ['memberlist.nothing=1'] })).toThrow(
      /config: unknown key "nothing"/,
    );
    expect(() => readScenario('minimal', MINIMAL, { set: ['loss'] })).toThrow(/path=value/);
  });
});

test('the published JSON Schema is the one of the code: ml-sim schema > apps/sim/scenario.schema.json', () => {
  const path = new URL('../scenario.schema.json', import.meta.url);
  expect(JSON.parse(readFileSync(path, 'utf8'))).toEqual(
    JSON.parse(JSON.stringify(scenarioJsonSchema())),
  );
});
