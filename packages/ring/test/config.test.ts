import { defaultsOf, loadConfig } from '@ml/runtime/config';
import { describe, expect, test } from 'vitest';
import {
  basicLifecyclerConfigOf,
  hashKey,
  lifecyclerConfigOf,
  ringConfig,
  ringConfigOf,
  ringKeyOf,
} from '../src/index.ts';

describe('the ring flags', () => {
  test('have these defaults', () => {
    const block = defaultsOf(ringConfig);
    expect(ringKeyOf(block)).toBe('collectors/ml-ring');
    expect(ringConfigOf(block)).toEqual({
      replicationFactor: 1,
      zoneAwarenessEnabled: false,
      excludedZones: [],
      heartbeatTimeoutMs: 60_000,
    });
    expect(lifecyclerConfigOf(block)).toEqual({
      numTokens: 128,
      heartbeatPeriodMs: 5000,
      heartbeatTimeoutMs: 60_000,
      joinAfterMs: 0,
      observePeriodMs: 0,
      minReadyDurationMs: 15_000,
      finalSleepMs: 0,
      unregisterOnShutdown: true,
      readinessCheckRingHealth: true,
    });
    expect(basicLifecyclerConfigOf(block).keepInstanceInTheRingOnShutdown).toBe(false);
  });

  test('are read from a command line', () => {
    const block = loadConfig(ringConfig, {
      argv: [
        '-ring.instance-id=a',
        '-ring.excluded-zones=x,y',
        '-ring.observe=collectors/ring',
        '-ring.observe=collectors/distributor',
        '-ring.mode=observer',
        '-ring.heartbeat-period=0',
        '-ring.instance-enable-ipv6',
      ],
    });
    expect(block).toMatchObject({
      instanceId: 'a',
      excludedZones: ['x', 'y'],
      observe: ['collectors/ring', 'collectors/distributor'],
      mode: 'observer',
      heartbeatPeriodMs: 0,
      instanceEnableIpv6: true,
    });
  });

  test.each([
    '-ring.replication-factor=0',
    '-ring.mode=both',
    '-ring.num-tokens=-1',
    '-ring.instance-port=65536',
  ])('%s is refused', (flag) => {
    expect(() => loadConfig(ringConfig, { argv: [flag] })).toThrow(/ring\./);
  });
});

test('keys of texts are FNV-1a', () => {
  expect(hashKey('')).toBe(0x811c9dc5);
  expect(hashKey('foobar')).toBe(0xbf9cf968);
});
