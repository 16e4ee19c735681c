import { MlError } from '@ml/runtime';

/** The configuration cannot work; `faults` lists everything wrong with it. Thrown before anything is started. */
export class GossipConfigError extends MlError<'ML_GOSSIP_CONFIG'> {
  readonly faults: readonly string[];

  constructor(faults: readonly string[], options?: ErrorOptions) {
    super('ML_GOSSIP_CONFIG', `the gossip configuration is wrong: ${faults.join('; ')}`, options);
    this.faults = faults;
  }
}

/** None of the addresses answered a join; `failures` says why, one for each address tried. The member list is as before. */
export class JoinError extends MlError<'ML_GOSSIP_JOIN'> {
  readonly failures: readonly Error[];

  constructor(failures: readonly Error[]) {
    const reasons = failures.map((failure) => failure.message).join('; ');
    super('ML_GOSSIP_JOIN', `no node could be joined: ${reasons}`, {
      cause: failures.length === 1 ? failures[0] : new AggregateError(failures),
    });
    this.failures = failures;
  }
}

/** Text is not a join address (`[name/]host[:port]`), or its host has no IP address. Nobody was contacted. */
export class JoinAddressError extends MlError<'ML_GOSSIP_JOIN_ADDRESS'> {
  constructor(address: string, fault: string, options?: ErrorOptions) {
    super('ML_GOSSIP_JOIN_ADDRESS', `cannot join ${JSON.stringify(address)}: ${fault}`, options);
  }
}

/** An exchange with a peer failed on the way, or the peer answered something else than it should. */
export class ExchangeError extends MlError<'ML_GOSSIP_EXCHANGE'> {
  constructor(message: string, options?: ErrorOptions) {
    super('ML_GOSSIP_EXCHANGE', message, options);
  }
}

/** The peer refused an exchange; the text is its own. */
export class RemoteRefusalError extends MlError<'ML_GOSSIP_REMOTE_REFUSAL'> {
  constructor(peer: string, text: string, options?: ErrorOptions) {
    super('ML_GOSSIP_REMOTE_REFUSAL', `${peer} refused: ${text}`, options);
  }
}

/** We refused to merge a peer's members: protocol versions that do not go together, or the merge delegate's decision. */
export class MergeRefusedError extends MlError<'ML_GOSSIP_MERGE_REFUSED'> {
  constructor(message: string, options?: ErrorOptions) {
    super('ML_GOSSIP_MERGE_REFUSED', message, options);
  }
}

/** A ping was not answered in time. The member may still be alive. */
export class NoResponseError extends MlError<'ML_GOSSIP_NO_RESPONSE'> {
  constructor(name: string, timeoutMs: number, options?: ErrorOptions) {
    super('ML_GOSSIP_NO_RESPONSE', `${name} did not answer a ping within ${timeoutMs} ms`, options);
  }
}

/** The memberlist is closed. */
export class MemberlistClosedError extends MlError<'ML_GOSSIP_CLOSED'> {
  constructor(what: string, options?: ErrorOptions) {
    super('ML_GOSSIP_CLOSED', `cannot ${what}: the memberlist is closed`, options);
  }
}

/** The node's meta data is longer than the protocol allows. Nothing was announced. */
export class MetaTooLongError extends MlError<'ML_GOSSIP_META_TOO_LONG'> {
  constructor(bytes: number, maxBytes: number, options?: ErrorOptions) {
    super(
      'ML_GOSSIP_META_TOO_LONG',
      `node meta data has ${bytes} bytes: the most is ${maxBytes}`,
      options,
    );
  }
}
