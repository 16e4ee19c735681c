import type { HistoryMessage, KvStatus } from '@ml/kv';
import { rfc3339, UNSET_TIME } from './time.ts';

/** The states of memberlist's nodes, by number. */
const STATE_NUMBERS = { alive: 0, suspect: 1, dead: 2, left: 3 } as const;

/** The JSON of `/memberlist`, field by field as dskit's page answers. S-10 */
export function memberlistJson(status: KvStatus): object {
  return {
    Now: rfc3339(status.nowUnixMs),
    Memberlist: {},
    SortedMembers: status.members.map((member) => ({
      Name: member.name,
      Addr: member.address.host,
      Port: member.address.port,
      Meta: member.meta.length === 0 ? null : Buffer.from(member.meta).toString('base64'),
      State: STATE_NUMBERS[member.state],
      PMin: member.protocol.pMin,
      PMax: member.protocol.pMax,
      PCur: member.protocol.pCur,
      DMin: member.protocol.dMin,
      DMax: member.protocol.dMax,
      DCur: member.protocol.dCur,
    })),
    Store: Object.fromEntries(
      status.store.map((entry) => [
        entry.key,
        {
          Version: entry.version,
          CodecID: entry.codecId,
          Deleted: entry.deleted,
          UpdateTime: entry.updateUnixMs === undefined ? UNSET_TIME : rfc3339(entry.updateUnixMs),
        },
      ]),
    ),
    MessageHistoryBufferBytes: status.messageHistoryBufferBytes,
    SentMessages: messagesJson(status.sentMessages),
    ReceivedMessages: messagesJson(status.receivedMessages),
  };
}

/** Go writes an empty list that was never filled as null. */
function messagesJson(messages: readonly HistoryMessage[]): readonly object[] | null {
  return messages.length === 0 ? null : messages.map(messageJson);
}

function messageJson(message: HistoryMessage): object {
  const { key, value, codec, deleted, updateTimeMillis } = message.pair;
  return {
    ID: message.id,
    Time: rfc3339(message.unixMs),
    Size: message.sizeBytes,
    Pair: {
      ...(key !== '' && { key }),
      ...(value.length > 0 && { value: Buffer.from(value).toString('base64') }),
      ...(codec !== '' && { codec }),
      ...(deleted && { deleted }),
      ...(updateTimeMillis !== undefined && { update_time_millis: updateTimeMillis }),
    },
    Version: message.version,
    Changes: message.changes.length === 0 ? null : message.changes,
  };
}
