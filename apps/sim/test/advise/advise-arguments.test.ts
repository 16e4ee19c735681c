import { describe, expect, test } from 'vitest';
import { adviseArguments } from '../../src/commands/advise-arguments.ts';

describe('the arguments of advise', () => {
  test('are read with their units, and have defaults', () => {
    const given =
      '--nodes 50 --zones 3 --rtt 1ms --zone-rtt 2500us --loss 0.1% --bandwidth 50kB/s --heartbeat-period 5s --tokens 64 --seeds 2 --workers 1 --json out.json';
    expect(adviseArguments(given.split(' '))).toEqual({
      conditions: {
        nodes: 50,
        zones: 3,
        rttMs: 1,
        zoneRttMs: 2.5,
        loss: 0.001,
        heartbeatPeriodMs: 5000,
        tokens: 64,
      },
      budgetS: 50_000,
      seeds: 2,
      workers: 1,
      json: 'out.json',
    });
    const few = adviseArguments(['--nodes=5']);
    expect(few.conditions).toMatchObject({
      zones: 1,
      loss: 0,
      heartbeatPeriodMs: 15_000,
      tokens: 128,
    });
    expect(few).toMatchObject({ budgetS: undefined, seeds: undefined });
  });

  test.each([
    [[], /advise needs --nodes/],
    [['--nodes', '1'], /--nodes takes a whole number from 2 to 500, not "1"/],
    [['--nodes', '501'], /--nodes takes a whole number from 2 to 500/],
    [['--nodes', '5', '--zones', '6'], /--zones takes a whole number from 1 to 5, not "6"/],
    [['--nodes', '5', '--zone-rtt', '1ms'], /--zone-rtt .* give --zones too/],
    [['--nodes', '5', '--rtt', '3'], /--rtt takes a duration .* not "3"/],
    [['--nodes', '5', '--rtt', '1m'], /--rtt takes a duration from 0ms to 2000ms/],
    [['--nodes', '5', '--loss', '60%'], /--loss takes a share from 0% to 50%.* not "60%"/],
    [['--nodes', '5', '--bandwidth', '0'], /--bandwidth takes bytes per second above 0.* not "0"/],
    [
      ['--nodes', '5', '--heartbeat-period', '1s'],
      /--heartbeat-period takes a duration from 2000ms/,
    ],
    [
      ['--nodes', '5', '--heartbeet-period', '9s'],
      /no flag "--heartbeet-period": did you mean --heartbeat-period\?/,
    ],
    [['5'], /advise takes flags only, but got "5"/],
  ])('%j is refused with a reason', (argv, message) => {
    expect(() => adviseArguments(argv)).toThrow(message);
  });
});
