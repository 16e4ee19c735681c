import { describe, expect, test } from 'vitest';
import { TlsConfigError } from '../src/errors.ts';
import { CIPHER_SUITES, countCertificates, resolveTlsPolicy } from '../src/tls.ts';
import { tcpConfig } from './helpers/config.ts';

const pair = { tlsCertPath: 'cert.pem', tlsKeyPath: 'key.pem' };

function policy(changes: object) {
  return resolveTlsPolicy({ ...tcpConfig(), ...pair, ...changes });
}

describe('TLS settings', () => {
  test('without a certificate, or with half of a pair, are refused by name', () => {
    expect(() => policy({ tlsCertPath: '', tlsKeyPath: '' })).toThrow(TlsConfigError);
    expect(() => policy({ tlsKeyPath: '' })).toThrow(
      /tls-cert-path is set but tls-key-path is not/,
    );
    expect(() => policy({ tlsCertPath: '' })).toThrow(
      /tls-key-path is set but tls-cert-path is not/,
    );
  });

  test.each([
    ['', 'TLSv1.2'],
    ['VersionTLS10', 'TLSv1'],
    ['VersionTLS11', 'TLSv1.1'],
    ['VersionTLS12', 'TLSv1.2'],
    ['VersionTLS13', 'TLSv1.3'],
  ])('minimum version %j is %s', (tlsMinVersion, expected) => {
    expect(policy({ tlsMinVersion }).minVersion).toBe(expected);
  });

  test('an unknown version is refused with those that exist', () => {
    expect(() => policy({ tlsMinVersion: 'TLS1.2' })).toThrow(/"TLS1.2".*VersionTLS12/);
  });

  test('cipher suites become an OpenSSL list that always has those of TLS 1.3', () => {
    const { ciphers, requestedCiphers } = policy({
      tlsCipherSuites: 'TLS_RSA_WITH_AES_128_CBC_SHA, TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384',
    });
    expect(requestedCiphers).toEqual(['AES128-SHA', 'ECDHE-RSA-AES256-GCM-SHA384']);
    expect(ciphers?.split(':')).toEqual([
      'TLS_AES_128_GCM_SHA256',
      'TLS_AES_256_GCM_SHA384',
      'TLS_CHACHA20_POLY1305_SHA256',
      'AES128-SHA',
      'ECDHE-RSA-AES256-GCM-SHA384',
    ]);
    expect(policy({}).ciphers).toBeUndefined();
  });

  test('all 25 names are known, an unknown one is refused by name', () => {
    expect(CIPHER_SUITES.size).toBe(25);
    const tlsCipherSuites = [...CIPHER_SUITES.keys()].join(',');
    expect(policy({ tlsCipherSuites }).requestedCiphers).toHaveLength(22);
    expect(() => policy({ tlsCipherSuites: 'AES128-SHA' })).toThrow(/"AES128-SHA"/);
  });

  test('old versions come with a lower security level, for OpenSSL refuses them otherwise', () => {
    expect(policy({ tlsMinVersion: 'VersionTLS10' }).ciphers).toBe('DEFAULT@SECLEVEL=0');
  });
});

test('certificates in a PEM text are counted', () => {
  const one = '-----BEGIN CERTIFICATE-----\nAA\n-----END CERTIFICATE-----\n';
  expect(countCertificates('')).toBe(0);
  expect(countCertificates(`${one}${one}`)).toBe(2);
});
