import { X509Certificate } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { isIP } from 'node:net';
import * as nodeTls from 'node:tls';
import { type Counter, noMetrics, type Registerer } from '@ml/metrics';
import type { Runtime, Timer } from '@ml/runtime';
import { TlsConfigError, TlsHandshakeError } from './errors.ts';
import { countCertificates, resolveTlsPolicy, type TlsPolicy, type TlsSettings } from './tls.ts';
import type { Address } from './transport.ts';

/** How old the contents of the files may be when we dial. */
const DIAL_MAX_AGE_MS = 1000;
/** How often the listener looks for new files. */
const RELOAD_INTERVAL_MS = 10_000;
const HANDSHAKE_TIMEOUT_MS = 10_000;
/** Where systems keep their roots, as Go looks for them. */
const SYSTEM_BUNDLES = [
  '/etc/ssl/certs/ca-certificates.crt',
  '/etc/pki/tls/certs/ca-bundle.crt',
  '/etc/ssl/ca-bundle.pem',
  '/etc/pki/tls/cacert.pem',
  '/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem',
  '/etc/ssl/cert.pem',
];

/** What {@link NodeTls} needs. */
export interface NodeTlsOptions {
  readonly settings: TlsSettings;
  readonly runtime: Runtime;
  readonly metrics?: Registerer | undefined;
  /** Turn away dialers without a certificate that our authorities vouch for. dskit never asks. T-43 */
  readonly requireClientCertificate: boolean;
}

interface Material {
  readonly cert: string;
  readonly key: string;
  readonly ca: string | undefined;
}

/**
 * Certificate, key and authorities from their files, for listeners and dialers. The files are read again before a
 * dial and every ten seconds; when what they hold is unusable the last good contents stay. T-42
 */
export class NodeTls implements Disposable {
  readonly #options: NodeTlsOptions;
  readonly #policy: TlsPolicy;
  readonly #servers = new Set<nodeTls.Server>();
  readonly #reloadErrors: Counter;
  readonly #end = new AbortController();
  readonly #timer: Timer;
  #material: Material;
  #context: nodeTls.SecureContext;
  #checkedAt: number;
  #faulty: boolean = false;

  /** @throws {TlsConfigError} when settings or files are unusable; the message names the file. */
  constructor(options: NodeTlsOptions) {
    const { settings, runtime, metrics = noMetrics } = options;
    this.#options = options;
    this.#policy = resolveTlsPolicy(settings);
    this.#warnOfMissingCiphers();
    this.#material = readMaterial(settings);
    this.#context = this.#contextOf(this.#material);
    this.#checkedAt = runtime.clock.now();
    this.#reloadErrors = metrics.counter({
      name: 'ml_tcp_transport_tls_reload_errors_total',
      help: 'Times that changed TLS files were unusable and the former contents stayed in use.',
    });
    metrics.gauge({
      name: 'ml_tcp_transport_tls_certificate_expiry_timestamp_seconds',
      help: 'When the certificate in use expires, in Unix seconds.',
      collect: (gauge) => gauge.set(expiryUnixS(this.#material.cert)),
      signal: this.#end.signal,
    });
    this.#timer = runtime.timers.every(RELOAD_INTERVAL_MS, () => this.#refresh());
  }

  /** A server that is given raw sockets through its `connection` event and takes new certificates as they come. */
  createServer(): nodeTls.Server {
    const { requireClientCertificate } = this.#options;
    const server = nodeTls.createServer({
      ...this.#contextOptions(this.#material),
      requestCert: requireClientCertificate,
      rejectUnauthorized: requireClientCertificate,
      handshakeTimeout: HANDSHAKE_TIMEOUT_MS,
    });
    this.#servers.add(server);
    return server;
  }

  /** Options for a connection to `to`. */
  dialOptions(to: Address): nodeTls.ConnectionOptions {
    if (this.#options.runtime.clock.now() - this.#checkedAt >= DIAL_MAX_AGE_MS) this.#refresh();
    const { tlsServerName, tlsInsecureSkipVerify } = this.#options.settings;
    const name = tlsServerName === '' ? to.host : tlsServerName;
    return {
      host: to.host,
      port: to.port,
      secureContext: this.#context,
      minVersion: this.#policy.minVersion,
      rejectUnauthorized: !tlsInsecureSkipVerify,
      // An IP is never sent as the wanted name, but it is what the certificate has to carry.
      servername: isIP(name) === 0 ? name : '',
      checkServerIdentity: (_, cert) => checkIdentity(name, cert),
    };
  }

  [Symbol.dispose](): void {
    this.#timer[Symbol.dispose]();
    this.#end.abort();
    this.#servers.clear();
  }

  #refresh(): void {
    const { settings, runtime } = this.#options;
    this.#checkedAt = runtime.clock.now();
    try {
      const material = readMaterial(settings);
      const { cert, key, ca } = this.#material;
      this.#faulty = false;
      if (material.cert === cert && material.key === key && material.ca === ca) return;
      this.#context = this.#contextOf(material);
      this.#material = material;
      for (const server of this.#servers) server.setSecureContext(this.#contextOptions(material));
      runtime.log.info({ cert: settings.tlsCertPath }, 'tls files changed and are in use');
    } catch (err) {
      this.#reloadErrors.inc();
      if (!this.#faulty)
        runtime.log.warn({ err }, 'changed tls files are unusable, keeping the former');
      this.#faulty = true;
    }
  }

  #contextOptions({ cert, key, ca }: Material): nodeTls.SecureContextOptions {
    const { minVersion, ciphers } = this.#policy;
    const roots = ca ?? systemRoots();
    return {
      cert,
      key,
      minVersion,
      ...(roots === undefined ? {} : { ca: roots }),
      ...(ciphers === undefined ? {} : { ciphers }),
    };
  }

  #contextOf(material: Material): nodeTls.SecureContext {
    const { tlsCertPath, tlsKeyPath, tlsCaPath } = this.#options.settings;
    try {
      return nodeTls.createSecureContext(this.#contextOptions(material));
    } catch (cause) {
      const text = cause instanceof Error ? cause.message : String(cause);
      const files = [tlsCertPath, tlsKeyPath, tlsCaPath].filter(Boolean).join(', ');
      throw new TlsConfigError(
        `the TLS files (${files}) and settings cannot be used together: ${text}`,
        { cause },
      );
    }
  }

  #warnOfMissingCiphers(): void {
    const known = new Set(nodeTls.getCiphers());
    const missing = this.#policy.requestedCiphers.filter((name) => !known.has(name.toLowerCase()));
    if (missing.length === 0) return;
    this.#options.runtime.log.warn({ ciphers: missing }, 'tls cipher suites not available here');
  }
}

function readMaterial({ tlsCertPath, tlsKeyPath, tlsCaPath }: TlsSettings): Material {
  const ca = tlsCaPath === '' ? undefined : readPem('tls-ca-path', tlsCaPath);
  if (ca !== undefined && countCertificates(ca) === 0) {
    throw new TlsConfigError(`${tlsCaPath} (tls-ca-path) holds no PEM certificate`);
  }
  const cert = readPem('tls-cert-path', tlsCertPath);
  if (countCertificates(cert) === 0) {
    throw new TlsConfigError(`${tlsCertPath} (tls-cert-path) holds no PEM certificate`);
  }
  const key = readPem('tls-key-path', tlsKeyPath);
  if (!key.includes('PRIVATE KEY-----')) {
    throw new TlsConfigError(`${tlsKeyPath} (tls-key-path) holds no PEM private key`);
  }
  return { cert, key, ca };
}

function readPem(setting: string, path: string): string {
  try {
    return readFileSync(path, 'latin1');
  } catch (cause) {
    const text = cause instanceof Error ? cause.message : String(cause);
    throw new TlsConfigError(`cannot read ${path} (${setting}): ${text}`, { cause });
  }
}

let cachedSystemRoots: string | undefined;

/** The system's bundle, as Go uses; undefined where none is found, which means the roots that come with Node. */
function systemRoots(): string | undefined {
  const path = SYSTEM_BUNDLES.find((candidate) => existsSync(candidate));
  cachedSystemRoots ??= path === undefined ? undefined : readFileSync(path, 'latin1');
  return cachedSystemRoots;
}

/** As Go does it: only subject alternative names count, the common name never. */
function checkIdentity(name: string, cert: nodeTls.PeerCertificate): Error | undefined {
  const names = cert.subjectaltname;
  if (names === undefined || names === '') {
    return new TlsHandshakeError(
      'the certificate of the peer carries no subject alternative name, and its common name does not count; issue it with the IPs or a name of the members',
    );
  }
  if (isIP(name) !== 0 && !names.includes('IP Address:')) {
    return new TlsHandshakeError(
      `the certificate of the peer is for ${names} and for no IP, but ${name} was dialled; set tls-server-name to a name that the certificates carry`,
    );
  }
  return nodeTls.checkServerIdentity(name, cert);
}

function expiryUnixS(pem: string): number {
  return Date.parse(new X509Certificate(pem).validTo) / 1000;
}
