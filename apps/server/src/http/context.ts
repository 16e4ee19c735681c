import type { Clock, Logger } from '@ml/runtime';
import type { PreparedNode } from '../node.ts';
import type { BuildInfo } from '../version.ts';
import type { NavLink } from './html/layout.ts';

/** Which options a configuration text shows: all, those that differ from the default, or all at their defaults. */
export type ConfigView = 'all' | 'diff' | 'defaults';

/** What the routes see of the process. */
export interface HttpContext {
  readonly clock: Clock;
  readonly log: Logger;
  /** Also while it is starting or stopping: pages show how far it is. */
  readonly node: PreparedNode;
  /** All metrics as Prometheus scrapes them. */
  metrics(): Promise<{ readonly contentType: string; readonly body: string }>;
  /** The configuration as YAML, secrets masked. */
  config(view: ConfigView): string;
  readonly build: BuildInfo;
}

/** The links of every page's head line. */
export const NAV_LINKS: readonly NavLink[] = [
  { href: '/', text: 'Index' },
  { href: '/ring', text: 'Ring' },
  { href: '/memberlist', text: 'Memberlist' },
  { href: '/services', text: 'Services' },
  { href: '/config', text: 'Config' },
  { href: '/metrics', text: 'Metrics' },
  { href: '/ready', text: 'Ready' },
];
