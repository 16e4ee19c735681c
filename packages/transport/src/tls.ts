import { TlsConfigError } from './errors.ts';

/** The tls_* settings; all are empty or false by default. */
export interface TlsSettings {
  /** PEM file of the certificate, for both roles. As -memberlist.tls-cert-path in dskit. */
  readonly tlsCertPath: string;
  /** PEM file of its key. As -memberlist.tls-key-path in dskit. */
  readonly tlsKeyPath: string;
  /** PEM file of the authorities; empty: the system's. As -memberlist.tls-ca-path in dskit. */
  readonly tlsCaPath: string;
  /** Name that peers' certificates must carry; empty: the dialled IP. As -memberlist.tls-server-name in dskit. */
  readonly tlsServerName: string;
  /** Accept any certificate. As -memberlist.tls-insecure-skip-verify in dskit. */
  readonly tlsInsecureSkipVerify: boolean;
  /** Comma list of {@link CIPHER_SUITES} names, for TLS 1.2 and older. As -memberlist.tls-cipher-suites in dskit. */
  readonly tlsCipherSuites: string;
  /** VersionTLS10 to VersionTLS13; empty: TLS 1.2. As -memberlist.tls-min-version in dskit. */
  readonly tlsMinVersion: string;
}

/** Protocol versions in the spelling of node:tls. */
export type TlsVersion = 'TLSv1' | 'TLSv1.1' | 'TLSv1.2' | 'TLSv1.3';

/** What the settings come to, files aside. */
export interface TlsPolicy {
  readonly minVersion: TlsVersion;
  /** An OpenSSL cipher list; undefined: the library's default. */
  readonly ciphers: string | undefined;
  /** OpenSSL names of TLS 1.2 ciphers that were asked for, to warn of those that this machine lacks. */
  readonly requestedCiphers: readonly string[];
}

const MIN_VERSIONS: ReadonlyMap<string, TlsVersion> = new Map([
  ['', 'TLSv1.2'],
  ['VersionTLS10', 'TLSv1'],
  ['VersionTLS11', 'TLSv1.1'],
  ['VersionTLS12', 'TLSv1.2'],
  ['VersionTLS13', 'TLSv1.3'],
]);

const TLS13_CIPHERS = [
  'TLS_AES_128_GCM_SHA256',
  'TLS_AES_256_GCM_SHA384',
  'TLS_CHACHA20_POLY1305_SHA256',
];

/** Go's names of cipher suites to OpenSSL's. T-41 */
export const CIPHER_SUITES: ReadonlyMap<string, string> = new Map([
  ...TLS13_CIPHERS.map((name) => [name, name] as const),
  ['TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA', 'ECDHE-ECDSA-AES128-SHA'],
  ['TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA', 'ECDHE-RSA-AES128-SHA'],
  ['TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA', 'ECDHE-ECDSA-AES256-SHA'],
  ['TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA', 'ECDHE-RSA-AES256-SHA'],
  ['TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256', 'ECDHE-ECDSA-AES128-GCM-SHA256'],
  ['TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256', 'ECDHE-RSA-AES128-GCM-SHA256'],
  ['TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384', 'ECDHE-ECDSA-AES256-GCM-SHA384'],
  ['TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384', 'ECDHE-RSA-AES256-GCM-SHA384'],
  ['TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256', 'ECDHE-ECDSA-CHACHA20-POLY1305'],
  ['TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256', 'ECDHE-RSA-CHACHA20-POLY1305'],
  ['TLS_RSA_WITH_RC4_128_SHA', 'RC4-SHA'],
  ['TLS_RSA_WITH_3DES_EDE_CBC_SHA', 'DES-CBC3-SHA'],
  ['TLS_RSA_WITH_AES_128_CBC_SHA', 'AES128-SHA'],
  ['TLS_RSA_WITH_AES_256_CBC_SHA', 'AES256-SHA'],
  ['TLS_RSA_WITH_AES_128_CBC_SHA256', 'AES128-SHA256'],
  ['TLS_RSA_WITH_AES_128_GCM_SHA256', 'AES128-GCM-SHA256'],
  ['TLS_RSA_WITH_AES_256_GCM_SHA384', 'AES256-GCM-SHA384'],
  ['TLS_ECDHE_ECDSA_WITH_RC4_128_SHA', 'ECDHE-ECDSA-RC4-SHA'],
  ['TLS_ECDHE_RSA_WITH_RC4_128_SHA', 'ECDHE-RSA-RC4-SHA'],
  ['TLS_ECDHE_RSA_WITH_3DES_EDE_CBC_SHA', 'ECDHE-RSA-DES-CBC3-SHA'],
  ['TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA256', 'ECDHE-ECDSA-AES128-SHA256'],
  ['TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA256', 'ECDHE-RSA-AES128-SHA256'],
]);

/**
 * Checks the settings that need no file. T-40
 *
 * @throws {TlsConfigError} on half of a key pair, no key pair, an unknown version or an unknown cipher suite.
 */
export function resolveTlsPolicy(settings: TlsSettings): TlsPolicy {
  checkKeyPair(settings);
  const minVersion = MIN_VERSIONS.get(settings.tlsMinVersion);
  if (minVersion === undefined) {
    throw new TlsConfigError(
      `tls-min-version ${JSON.stringify(settings.tlsMinVersion)} is not known; use ${[...MIN_VERSIONS.keys()].filter(Boolean).join(', ')}, or leave it empty for TLS 1.2`,
    );
  }
  const named = settings.tlsCipherSuites
    .split(',')
    .map((name) => name.replaceAll(' ', ''))
    .filter((name) => name !== '');
  const mapped = named.map((name) => {
    const suite = CIPHER_SUITES.get(name);
    if (suite === undefined) {
      throw new TlsConfigError(
        `cipher suite ${JSON.stringify(name)} in tls-cipher-suites is not known; use the names of the IANA registry, as in TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256`,
      );
    }
    return suite;
  });
  const requestedCiphers = mapped.filter((suite) => !TLS13_CIPHERS.includes(suite));
  return { minVersion, ciphers: cipherList(requestedCiphers, named, minVersion), requestedCiphers };
}

/** How many certificates a PEM text holds. */
export function countCertificates(pem: string): number {
  return pem.split('-----BEGIN CERTIFICATE-----').length - 1;
}

function checkKeyPair({ tlsCertPath, tlsKeyPath }: TlsSettings): void {
  if (tlsCertPath === '' && tlsKeyPath === '') {
    throw new TlsConfigError(
      'TLS is enabled but there is no certificate to listen with; set tls-cert-path and tls-key-path',
    );
  }
  if (tlsKeyPath === '')
    throw new TlsConfigError('tls-cert-path is set but tls-key-path is not; set both');
  if (tlsCertPath === '')
    throw new TlsConfigError('tls-key-path is set but tls-cert-path is not; set both');
}

/** The suites of TLS 1.3 are always on, as in Go. Versions below 1.2 need OpenSSL's security level lowered. */
function cipherList(
  requested: readonly string[],
  named: readonly string[],
  minVersion: TlsVersion,
): string | undefined {
  const legacy = minVersion === 'TLSv1' || minVersion === 'TLSv1.1';
  if (named.length === 0) return legacy ? 'DEFAULT@SECLEVEL=0' : undefined;
  const list = [...TLS13_CIPHERS, ...requested].join(':');
  return legacy && requested.length > 0 ? `${list}:@SECLEVEL=0` : list;
}
