import { parseNetwork } from '@ml/transport';
import { describe, expect, test } from 'vitest';
import {
  checkGossipConfig,
  type GossipConfig,
  GossipConfigError,
  gossipPresets,
} from '../src/index.ts';

const isNetwork = (text: string): boolean => parseNetwork(text) !== undefined;

function faultsOf(change: Partial<GossipConfig>): readonly string[] {
  try {
    checkGossipConfig({ ...gossipPresets.lan, ...change }, isNetwork);
  } catch (error) {
    if (error instanceof GossipConfigError) return error.faults;
    throw error;
  }
  return [];
}

describe('the presets', () => {
  test.each(Object.entries(gossipPresets))('%s can work', (_name, preset) => {
    expect(() => checkGossipConfig(preset, isNetwork)).not.toThrow();
  });

  test('differ where the reference says', () => {
    const { lan, wan, local, dskit } = gossipPresets;
    const shown = [lan, wan, local, dskit].map((preset) => [
      preset.streamTimeoutMs,
      preset.indirectChecks,
      preset.retransmitMult,
      preset.suspicionMult,
      preset.pushPullIntervalMs,
      preset.probeIntervalMs,
      preset.probeTimeoutMs,
      preset.streamPing,
      preset.gossipIntervalMs,
      preset.gossipNodes,
      preset.gossipToTheDeadMs,
    ]);
    expect(shown).toEqual([
      [10_000, 3, 4, 4, 30_000, 1000, 500, true, 200, 3, 30_000],
      [30_000, 3, 4, 6, 60_000, 5000, 3000, true, 500, 4, 60_000],
      [1000, 1, 2, 3, 15_000, 1000, 200, true, 100, 3, 15_000],
      [2000, 3, 4, 4, 30_000, 5000, 2000, false, 200, 3, 30_000],
    ]);
  });
});

describe('a configuration that cannot work', () => {
  test('is refused with all its faults at once', () => {
    const faults = faultsOf({
      protocolVersion: 1,
      awarenessMaxMultiplier: 0,
      probeIntervalMs: 0.5,
      label: 'x'.repeat(256),
      cidrsAllowed: ['10.0.0.0/8', '10.0.0.0/99'],
      limits: { ...gossipPresets.lan.limits, maxMembers: 0 },
    });
    expect(faults).toEqual([
      'protocolVersion is 1: use a whole number from 2 to 5',
      'probeIntervalMs is 0.5: use a whole number from 0 to 86400000',
      'awarenessMaxMultiplier is 0: use a whole number from 1 to 1000',
      'limits.maxMembers is 0: use a whole number from 1',
      'label has 256 bytes: the most is 255',
      'cidrsAllowed has "10.0.0.0/99": write a network as in 10.0.0.0/8',
    ]);
  });

  test('counts the bytes of a label, not its letters', () => {
    expect(faultsOf({ label: 'é'.repeat(127) })).toEqual([]);
    expect(faultsOf({ label: 'é'.repeat(128) })).toHaveLength(1);
  });

  test.each([
    [{ min: 0, max: 0, current: 1 }],
    [{ min: 2, max: 5, current: 1 }],
    [{ min: 0, max: 256, current: 0 }],
    [{ min: Number.NaN, max: 0, current: 0 }],
  ])('has delegate versions such as %o', (delegateVersions) => {
    expect(faultsOf({ delegateVersions })).toHaveLength(1);
  });
});
