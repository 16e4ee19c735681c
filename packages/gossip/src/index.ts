export type { Delegate } from './delegate.ts';
