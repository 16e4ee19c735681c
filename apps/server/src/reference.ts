import { renderReference } from '@ml/runtime/config';
import { rootConfig } from './command.ts';

/** The reference of every option of `ml-server`, as Markdown. */
export function rootReference(): string {
  return renderReference(rootConfig);
}
