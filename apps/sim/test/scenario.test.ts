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
