import { seconds } from '../assertion.ts';
import type { KeptEvent } from '../observer.ts';
import { fieldsText } from '../sim-log.ts';

/** An event in one line of text. */
export function eventText({ event, wrong }: KeptEvent): string {
  const at = seconds(event.atMs).padStart(9);
  const falsely = wrong ? ' (wrongly)' : '';
  switch (event.type) {
    case 'note':
      return `${at}  == ${event.text}`;
    case 'log':
      return `${at}  ${event.node}: ${event.level} ${event.message} ${fieldsText(event.fields)}`;
    case 'node':
      return `${at}  ${event.node} ${event.what}${event.reason === undefined ? '' : `: ${event.reason}`}`;
    case 'suspect':
    case 'confirmed':
      return `${at}  ${event.node}: ${event.member} is ${event.type === 'suspect' ? 'suspect' : 'suspect, confirmed'}${falsely}, says ${event.from}`;
    case 'refuted':
      return `${at}  ${event.node}: ${event.member} refuted a suspicion`;
    case 'left':
      return `${at}  ${event.node}: ${event.member} has left`;
    default: {
      const how =
        event.suspectMs === undefined
          ? 'heard from another'
          : `suspect for ${seconds(event.suspectMs)}`;
      return `${at}  ${event.node}: ${event.member} is dead${falsely}, ${how}`;
    }
  }
}
