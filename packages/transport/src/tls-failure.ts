import { TlsHandshakeError } from './errors.ts';

const UNTRUSTED =
  'the certificate of the peer is signed by no authority that is trusted here; set tls-ca-path to the file of the authority that issued the certificates of all members';
const NOT_TLS =
  'the peer does not speak TLS; set -memberlist.tls-enabled on all members or on none';
const CUT =
  'the peer cut the TLS handshake, as one without TLS does; set -memberlist.tls-enabled on all members or on none';

/** What to do about failures of OpenSSL and Node, by their code. */
const REASONS: ReadonlyMap<string, string> = new Map([
  ['UNABLE_TO_VERIFY_LEAF_SIGNATURE', UNTRUSTED],
  ['UNABLE_TO_GET_ISSUER_CERT', UNTRUSTED],
  ['UNABLE_TO_GET_ISSUER_CERT_LOCALLY', UNTRUSTED],
  ['SELF_SIGNED_CERT_IN_CHAIN', UNTRUSTED],
  ['DEPTH_ZERO_SELF_SIGNED_CERT', UNTRUSTED],
  ['CERT_SIGNATURE_FAILURE', UNTRUSTED],
  ['CERT_HAS_EXPIRED', 'the certificate of the peer has expired; renew it'],
  [
    'CERT_NOT_YET_VALID',
    'the certificate of the peer is not valid yet; compare the clocks of both machines',
  ],
  [
    'ERR_TLS_CERT_ALTNAME_INVALID',
    'the certificate of the peer is for another name or IP; set tls-server-name to a name that the certificates of all members carry',
  ],
  ['ERR_SSL_WRONG_VERSION_NUMBER', NOT_TLS],
  ['ERR_SSL_HTTP_REQUEST', NOT_TLS],
  ['ECONNRESET', CUT],
  ['EPIPE', CUT],
]);

/** Alerts with which a peer refuses our certificate. */
const REFUSALS = /alert (bad certificate|unknown ca|certificate (expired|unknown|revoked))/;

/** Says why a handshake failed and what to do about it, instead of OpenSSL's own words alone. */
export function explainTlsFailure(cause: Error): TlsHandshakeError {
  if (cause instanceof TlsHandshakeError) return cause;
  const code = 'code' in cause && typeof cause.code === 'string' ? cause.code : '';
  const detail = opensslReason(cause) ?? cause.message.trim();
  const reason = REFUSALS.test(detail)
    ? 'the peer does not accept our certificate; its log tells why'
    : REASONS.get(code);
  const message = reason === undefined ? detail : `${reason} (${detail})`;
  return new TlsHandshakeError(message, { cause });
}

/** The short form that OpenSSL has of its own failures; their message holds pointers and source lines. */
function opensslReason(error: Error): string | undefined {
  return 'reason' in error && 'library' in error && typeof error.reason === 'string'
    ? error.reason
    : undefined;
}
